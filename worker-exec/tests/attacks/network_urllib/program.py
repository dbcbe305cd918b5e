import urllib.request

def attack():
    return urllib.request.urlopen("http://example.com", timeout=5).status
