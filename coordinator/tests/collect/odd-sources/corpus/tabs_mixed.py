def mixed(a):
        if a:
	return 1
        return 0
