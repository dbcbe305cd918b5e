examples = [dict(name=name) for name in ("ptrace", "unshare", "mount", "bpf", "io_uring_setup", "keyctl", "shmget", "memfd_create", "userfaultfd", "perf_event_open", "clone3", "x32 getpid")]
