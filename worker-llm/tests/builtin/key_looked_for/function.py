def f(table, word):
    if word in table:
        return table[word].upper()
    return ''
