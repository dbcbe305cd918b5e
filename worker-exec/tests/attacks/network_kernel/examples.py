examples = [dict(family="AF_NETLINK", kind="SOCK_RAW"), dict(family="AF_ALG", kind="SOCK_SEQPACKET")]
