def tabs(a):
	if a:
		return a + 5
	return 0
