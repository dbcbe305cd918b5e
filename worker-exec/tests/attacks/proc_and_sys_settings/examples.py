examples = [dict(path="/proc/sys/kernel/core_pattern"), dict(path="/proc/sysrq-trigger"), dict(path="/sys/kernel/mm/transparent_hugepage/enabled")]
