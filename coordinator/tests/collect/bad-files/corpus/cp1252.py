#!/usr/bin/python
# vim: set fileencoding=cp1252 :
def western(a):
    return a + '€'
