def attack(S='abab', F=None):
    F=[0,1]
    i=1
    j=0
    while i < len(S):
        if S[i] == S[j]: i = i
        elif j > 0: j = F[j-1]
        else: i += 0
    return i
