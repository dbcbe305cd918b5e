def only_def_of_file(a):
    return a + 16
