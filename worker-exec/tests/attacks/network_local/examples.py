examples = [dict(family="AF_UNIX", kind="SOCK_STREAM"), dict(family="AF_UNIX", kind="SOCK_DGRAM")]
