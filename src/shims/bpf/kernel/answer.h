/*
 * Going on with an operation that stood still: run by whoever answers, with the answer as the
 * context. The classify goes on behind the callout that was asked, in the policy that is in force;
 * when that is another one than it was asked in, it begins anew.
 */
#ifndef OPENWFP_ALE_ANSWER_H
#define OPENWFP_ALE_ANSWER_H

#include "queue.h"

static __always_inline void flow_of_held(struct ale_flow_key *flow, const struct ale_held_key *key)
{
    flow_key(flow, key->cookie, key->protocol, key->remote, key->port);
}

/* A flow that was permitted: what follows needs no question. */
static __always_inline void permit_flow(const struct ale_held_key *key, struct held *entry)
{
    struct request *request = &entry->request;
    bool outbound = request->direction == DIRECTION_OUTBOUND;
    struct ale_flow_key flow;

    flow_of_held(&flow, key);
    if (flow_established(request, &entry->owner) != BLOCKED)
        flow_permit(&flow, policy_generation(), clock_now(), outbound);
}

static __always_inline void lead_flow(const struct ale_held_key *key, const struct held *entry)
{
    struct ale_peer peer = {.port = entry->redirect_port};
    struct ale_flow_key flow;

    flow_of_held(&flow, key);
    __builtin_memcpy(peer.address, entry->redirect, sizeof(peer.address));
    bpf_map_update_elem(&led, &flow, &peer, BPF_ANY);
}

/* What is kept of a decision: nothing, where no packet comes by again. */
static __always_inline __u32 conclude(struct ale_state *shared, const struct ale_held_key *key,
                                      struct held *entry, enum verdict verdict)
{
    bool stream = key->protocol == IPPROTO_TCP;

    if (verdict == PERMITTED && held_waits(entry->hold) && !stream)
        permit_flow(key, entry);
    if (verdict == PERMITTED && entry->redirected)
        lead_flow(key, entry);
    if (entry->hold == ALE_HOLD_NOTICE ||
        (verdict == PERMITTED &&
         (entry->hold == ALE_HOLD_LATER || !stream || key->layer == ALE_AUTH_CONNECT))) {
        held_forget(shared, key, entry);
    } else {
        entry->decided = bpf_ktime_get_ns();
        entry->state = verdict == PERMITTED ? HELD_PERMITTED : HELD_BLOCKED;
    }
    return verdict == PERMITTED ? ALE_OUTCOME_PERMITTED : ALE_OUTCOME_BLOCKED;
}

/* Asked again from the beginning; the flag and the reason say why. */
static __always_inline void classify_anew(struct held *entry, struct ale_state *shared,
                                          __u32 reason)
{
    if (reason) {
        key_flag(&entry->request, FLAG_REAUTHORIZE);
        key_set(&entry->request, CLASSIFY_REAUTHORIZE_REASON, reason);
    }
    decide(&entry->request, &entry->owner, entry->layer, shared);
}

static __always_inline void give_answer(struct held *entry, struct ale_state *shared,
                                        const struct ale_answer *answer)
{
    struct classify_walk *walk = &entry->request.walk;

    walk->call.action = answer->action;
    walk->call.rights = answer->rights;
    walk->call.absorb = answer->absorb;
    walk->call.registered = answer->registered;
    if (!classify_resume(walk))
        classify_anew(entry, shared, 0);
}

static __always_inline bool is_redirect(const struct held *entry)
{
    return layer_without_family(&entry->request, entry->layer) == ALE_CONNECT_REDIRECT;
}

static __always_inline void note_redirect(struct held *entry, const struct ale_answer *answer)
{
    if (!answer->redirected || !is_redirect(entry))
        return;
    entry->redirected = 1;
    entry->redirect_port = answer->redirect_port;
    __builtin_memcpy(entry->redirect, answer->redirect, sizeof(entry->redirect));
}

/* Behind CONNECT_REDIRECT comes AUTH_CONNECT, with the peer that it has become (21.6). */
static __always_inline void classify_connect(struct held *entry, struct ale_state *shared)
{
    entry->layer = layer_of_family(&entry->request, ALE_AUTH_CONNECT);
    if (entry->redirected) {
        key_remote(&entry->request, entry->redirect, entry->redirect_port);
        key_flag(&entry->request, FLAG_REDIRECTED);
    }
    decide(&entry->request, &entry->owner, entry->layer, shared);
}

static __always_inline enum verdict verdict_of_walk(const struct classify_walk *walk)
{
    return walk->result.action == FWP_ACTION_BLOCK ? BLOCKED : PERMITTED;
}

/* False: the mode is not one that leads to a verdict. */
static __always_inline bool go_on(struct held *entry, struct ale_state *shared,
                                  const struct ale_answer *answer)
{
    struct classify_walk *walk = &entry->request.walk;

    switch (answer->mode) {
    case ALE_ANSWER:
        note_redirect(entry, answer);
        give_answer(entry, shared, answer);
        return true;
    case ALE_RESTART:
        classify_anew(entry, shared, answer->reason);
        return true;
    case ALE_PERMIT:
    case ALE_BLOCK:
        walk->asked = 0;
        walk->result.action = answer->mode == ALE_PERMIT ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK;
        walk->result.filter_id = walk->call.filter_id;
        walk->result.callout_id = walk->asked_callout;
        walk->result.flags = 0;
        return true;
    }
    return false;
}

/* The answer's room for the next question is one of these: the verifier wants a map's memory. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct ale_ask);
} held_next SEC(".maps");

static __always_inline __u32 show(struct held *entry, const struct ale_held_key *key,
                                  struct ale_answer *answer)
{
    __u32 zero = 0;
    struct ale_ask *next = bpf_map_lookup_elem(&held_next, &zero);

    if (!next)
        return ALE_OUTCOME_GONE;
    __builtin_memset(next, 0, sizeof(*next));
    held_question(entry, key, next);
    __builtin_memcpy(&answer->next, next, sizeof(answer->next));
    return ALE_OUTCOME_ASK;
}

static __always_inline __u32 answer_held(struct held *entry, const struct ale_held_key *key,
                                         struct ale_state *shared, struct ale_answer *answer)
{
    if (answer->mode == ALE_FORGET) {
        held_forget(shared, key, entry);
        return ALE_OUTCOME_GONE;
    }
    if (entry->state != HELD_ASKED)
        return ALE_OUTCOME_GONE;
    if (answer->mode == ALE_SHOW)
        return show(entry, key, answer);
    if (!go_on(entry, shared, answer))
        return ALE_OUTCOME_GONE;
    if (!entry->request.walk.asked && is_redirect(entry) &&
        verdict_of_walk(&entry->request.walk) == PERMITTED)
        classify_connect(entry, shared);
    if (entry->request.walk.asked)
        return show(entry, key, answer);
    enum verdict verdict = verdict_of_walk(&entry->request.walk);
    notify(&entry->request, &entry->owner, entry->layer, verdict, shared,
           verdict == BLOCKED ? COLLECT_DROPS : COLLECT_ALLOWS);
    if (verdict == BLOCKED && !held_waits(entry->hold))
        show(entry, key, answer); /* whose socket has to go */
    return conclude(shared, key, entry, verdict);
}

SEC("syscall") int ale_answer(struct ale_answer *answer)
{
    struct ale_state *shared = state_get();
    struct ale_held_key key = answer->key;
    struct held *entry = bpf_map_lookup_elem(&held, &key);

    if (!shared || !entry || (answer->operation && entry->operation != answer->operation)) {
        answer->outcome = ALE_OUTCOME_GONE;
        return 0;
    }
    answer->outcome = answer_held(entry, &key, shared, answer);
    return 0;
}

#endif
