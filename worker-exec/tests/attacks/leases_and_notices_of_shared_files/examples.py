examples = [dict(how="lease"), dict(how="notice")]
