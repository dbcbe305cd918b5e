examples = [dict(how="group"), dict(how="session")]
