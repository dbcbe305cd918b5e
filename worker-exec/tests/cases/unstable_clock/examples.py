examples = [dict(form="%Y"), dict(form="")]
