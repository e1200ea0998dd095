/*
 * The few kernel structures the programs read, as far as they read them. CO-RE finds the real
 * offsets when a program is loaded, so neither the building nor the running machine's headers
 * matter.
 */
#ifndef OPENWFP_ALE_TYPES_H
#define OPENWFP_ALE_TYPES_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    unsigned int val;
} kuid_t;

typedef struct {
    unsigned int val;
} kgid_t;

struct qstr {
    __u32 len;
    const unsigned char *name;
};

struct super_block {
    unsigned int s_dev;
};

struct inode {
    struct super_block *i_sb;
    unsigned long i_ino;
};

struct dentry {
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
};

struct vfsmount {
    struct dentry *mnt_root;
};

struct ns_common {
    unsigned int inum;
};

struct mnt_namespace {
    struct ns_common ns;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
    struct mnt_namespace *mnt_ns;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct file {
    struct path f_path;
};

struct mm_struct {
    struct file *exe_file;
};

struct group_info {
    int ngroups;
    kgid_t gid[0];
};

struct cred {
    kuid_t euid;
    kgid_t egid;
    struct group_info *group_info;
};

struct net {
    struct ns_common ns;
    __u64 net_cookie;
};

struct nsproxy {
    struct net *net_ns;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup {
    int level;
    struct kernfs_node *kn;
    struct cgroup *ancestors[0];
};

struct css_set {
    struct cgroup *dfl_cgrp;
};

struct task_struct {
    int pid;
    int tgid;
    unsigned int flags;
    __u64 self_exec_id;
    __u64 start_boottime;
    struct task_struct *group_leader;
    struct mm_struct *mm;
    const struct cred *cred;
    struct nsproxy *nsproxy;
    struct css_set *cgroups;
    char comm[16];
};

struct socket {
    struct sock *sk;
};

struct sockaddr; /* LSM's hooks are given it; read as bytes */

struct possible_net {
    struct net *net;
};

struct in6_addr___k {
    __u8 bytes[16];
};

struct sock;

struct sock_common {
    __be32 skc_daddr;
    __be32 skc_rcv_saddr;
    __be16 skc_dport;
    __u16 skc_num;
    unsigned short skc_family;
    volatile unsigned char skc_state;
    unsigned char skc_ipv6only : 1;
    int skc_bound_dev_if;
    struct sock *skc_listener;
    struct possible_net skc_net;
    struct in6_addr___k skc_v6_daddr;
    struct in6_addr___k skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
    struct cgroup *cgroup;
};

struct socket_lock {
    int owned;
};

struct sock {
    struct sock_common __sk_common;
    struct sock_cgroup_data sk_cgrp_data;
    struct socket_lock sk_lock;
    kuid_t sk_uid;
    __u32 sk_max_ack_backlog;
    int sk_rx_dst_ifindex;
    __u16 sk_type;
    __u16 sk_protocol;
    unsigned char sk_userlocks;
    unsigned char sk_kern_sock : 1;
};

struct tcp_sock {
    bool is_mptcp;
    unsigned char syn_smc : 1;
};

struct inet_bind_bucket {
    signed char fastreuse;
};

struct inet_connection_sock {
    struct inet_bind_bucket *icsk_bind_hash;
};

struct request_sock_ops {
    int family;
};

struct request_sock {
    const struct request_sock_ops *rsk_ops;
};

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
};

struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
    __u32 fd;
    struct file *file;
};

struct bpf_iter__tcp {
    struct bpf_iter_meta *meta;
    struct sock_common *sk_common;
};

struct udp_sock;

struct bpf_iter__udp {
    struct bpf_iter_meta *meta;
    struct udp_sock *udp_sk;
};

#pragma clang attribute pop

#define AF_INET   2
#define AF_INET6  10
#define AF_PACKET 17
#define AF_XDP    44

#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define SOCK_RAW    3

#define PF_KTHREAD 0x00200000 /* of a task's flags */

#define EACCES 13
#define ENOMEM 12

#endif
