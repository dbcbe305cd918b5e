examples = [dict(how="nice"), dict(how="real time")]
