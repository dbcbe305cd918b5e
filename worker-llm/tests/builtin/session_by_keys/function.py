def f(session):
    return session['first'].lower() + session['last']
