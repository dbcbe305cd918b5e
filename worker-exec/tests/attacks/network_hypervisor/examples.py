examples = [dict(family="AF_VSOCK", kind="SOCK_STREAM")]
