/* The least that a connect filter in BPF does: ask a table for the peer, tell about the call. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 100000);
    __type(key, __u64);
    __type(value, __u32);
} blocked SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} events SEC(".maps");

struct event {
    __u64 peer, pid, uid, cookie, time;
};

SEC("cgroup/connect4") int bare_connect4(struct bpf_sock_addr *ctx)
{
    __u64 peer = (__u64)ctx->user_ip4 << 32 | ctx->user_port;
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

    if (event) {
        event->peer = peer;
        event->pid = bpf_get_current_pid_tgid();
        event->uid = bpf_get_current_uid_gid();
        event->cookie = bpf_get_socket_cookie(ctx);
        event->time = 0;
        bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
    }
    return !bpf_map_lookup_elem(&blocked, &peer);
}
