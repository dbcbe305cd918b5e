examples = [dict(family="AF_PACKET", kind="SOCK_RAW")]
