/* Loaded to see whether it can be: a program of a cgroup that keeps something with a task. */
#include "types.h"

char LICENSE[] SEC("license") = "GPL";

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, int);
} kept SEC(".maps");

SEC("cgroup/connect4") int keep(struct bpf_sock_addr *ctx)
{
    return bpf_task_storage_get(&kept, bpf_get_current_task_btf(), NULL, 0) ? 1 : 0;
}
