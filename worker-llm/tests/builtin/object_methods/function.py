def f(account):
    return account.get_name().upper() + str(account.size() + 1)
