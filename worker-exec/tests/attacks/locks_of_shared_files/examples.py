examples = [dict(path=""), dict(path="/dev/null")]
