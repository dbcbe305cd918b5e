# coding: ascii
x = 'ä'
