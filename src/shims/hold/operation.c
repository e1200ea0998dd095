/* The way of an operation from its question to its end (fwpkclnt/protocol.h). */
#include "internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <fwps_layers.h>
#include <fwpstypes.h>

#define PACKET_WAIT_MS 2    /* a packet follows its question at once, if there is one */
#define RETURN_MS      3000 /* a completed accept, or a datagram taken, comes back within */

bool operation_is_accept(const struct operation *operation)
{
    return operation->ask.key.layer == FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4;
}

bool operation_is_redirect(const struct operation *operation)
{
    return operation->ask.layer == FWPS_LAYER_ALE_CONNECT_REDIRECT_V4 ||
           operation->ask.layer == FWPS_LAYER_ALE_CONNECT_REDIRECT_V6;
}

/* ---- asking the kernel side to go on ---- */

static int advance_kernel(struct hold *hold, const struct operation *operation,
                          struct ale_answer *answer)
{
    answer->key = operation->ask.key;
    answer->operation = operation->ask.operation;
    return shim_asks_answer(hold->asks, answer);
}

static void forget_in_kernel(struct hold *hold, const struct operation *operation)
{
    struct ale_answer answer = {.mode = ALE_FORGET};

    advance_kernel(hold, operation, &answer);
}

static void send_decided(struct host *host, uint64_t number, bool permitted, bool timed_out)
{
    struct driver_decided message = {
        .header = {DRIVER_DECIDED, sizeof(message), number},
        .permitted = permitted,
        .timed_out = timed_out,
    };

    host_send(host, &(struct iovec){&message, sizeof(message)}, 1);
}

static void tell_decided(const struct operation *operation, bool permitted)
{
    if (operation->pender)
        send_decided(operation->pender, operation->ask.operation, permitted, operation->timed_out);
}

/* The kernel side keeps what it decided about packets that come by again. */
static void linger(struct hold *hold, struct operation *operation)
{
    operation->host = NULL;
    operation_set_state(hold, operation, OPERATION_DECIDED,
                        hold_now_ms() + ALE_DECISION_LIFE / 1000000);
}

static bool decision_stays(const struct operation *operation, bool permitted)
{
    bool again = operation->ask.hold == ALE_HOLD_DROP || operation->ask.hold == ALE_HOLD_QUEUE;

    return again && (!permitted || (operation_is_accept(operation) &&
                                    operation->ask.key.protocol == IPPROTO_TCP));
}

static void end(struct hold *hold, struct operation *operation, bool permitted)
{
    if (decision_stays(operation, permitted))
        linger(hold, operation);
    else
        operation_free(hold, operation);
}

/* The first packet goes on as its host returned it; or when it returns it, if it still can. */
static void permit_taken(struct hold *hold, struct operation *operation)
{
    if (!operation->returned && operation->pender) {
        operation->host = operation->pender;
        operation_set_state(hold, operation, OPERATION_PERMITTED, hold_now_ms() + RETURN_MS);
        return;
    }
    if (operation->returned)
        packet_permit_first(hold, operation);
    else
        packet_drop_first(hold, operation);
    packets_permit(hold, operation);
    end(hold, operation, true);
}

static bool lead_elsewhere(struct hold *hold, struct operation *operation)
{
    int result = operation->redirect.redirected ? redirect_operation(hold, operation) : 0;

    if (result)
        hold_say(hold, LOG_ERR, "a connect could not be redirected and is ended: %s",
                 strerror(-result));
    return !result;
}

/* The kernel side has permitted it with the new peer, so its socket must not go on with the old. */
static void strand(struct hold *hold, struct operation *operation)
{
    shim_asks_destroy(&operation->ask, &operation->ends);
    tell_decided(operation, false);
    operation_free(hold, operation);
}

static void permitted(struct hold *hold, struct operation *operation)
{
    if (!lead_elsewhere(hold, operation)) {
        strand(hold, operation);
        return;
    }
    hold->statistics.permitted++;
    tell_decided(operation, true);
    if (operation->took_packet || operation->returned) {
        permit_taken(hold, operation);
        return;
    }
    packets_permit(hold, operation);
    end(hold, operation, true);
}

/* What is denied stays so until its socket is closed, or a while: a reset can be lost, and a SYN
 * that is sent again must not find the way open. */
static void blocked(struct hold *hold, struct operation *operation)
{
    hold->statistics.blocked++;
    tell_decided(operation, false);
    packets_reject(hold, operation);
    end(hold, operation, false);
}

/* A connect that was denied is over, even if its program has not heard of it. */
static void forget_decided(struct hold *hold, struct operation *operation)
{
    bool connect = operation->ask.key.layer == FWPS_LAYER_ALE_AUTH_CONNECT_V4 &&
                   operation->ask.key.protocol == IPPROTO_TCP;

    if (connect && operation->ends.kind)
        shim_asks_destroy(&operation->ask, &operation->ends);
    forget_in_kernel(hold, operation);
    operation_free(hold, operation);
}

static void ask_again(struct hold *hold, struct operation *operation, const struct ale_ask *next)
{
    operation->ask = *next;
    operation->host = NULL;
    operation_unlink(hold, operation);
    operation_link_first(hold, operation); /* where questions are looked for */
    operation->since = hold_now_ms();
    operation_set_state(hold, operation, OPERATION_NEW, 0);
}

/* The kernel side knows it no longer: its socket is closed. */
static void lose(struct hold *hold, struct operation *operation)
{
    tell_decided(operation, false);
    operation_free(hold, operation);
}

static void advance(struct hold *hold, struct operation *operation, struct ale_answer *answer)
{
    int result = advance_kernel(hold, operation, answer);

    if (result)
        hold_say(hold, LOG_ERR, "the kernel did not take an answer: %s", strerror(-result));
    if (!result && answer->outcome == ALE_OUTCOME_ASK)
        ask_again(hold, operation, &answer->next);
    else if (!result && answer->outcome == ALE_OUTCOME_PERMITTED)
        permitted(hold, operation);
    else if (!result && answer->outcome == ALE_OUTCOME_BLOCKED)
        blocked(hold, operation);
    else
        lose(hold, operation);
}

/* As if the callout were not registered: the filter's flags decide. */
void operation_advance_without(struct hold *hold, struct operation *operation)
{
    advance(hold, operation, &(struct ale_answer){.mode = ALE_ANSWER});
}

void operation_pass_over(struct hold *hold, struct operation *operation)
{
    advance(hold, operation,
            &(struct ale_answer){.mode = ALE_ANSWER, .registered = CLASSIFY_PASSED_OVER});
}

/* Only with a permit that counts, by a callout that may decide (6.9, 6.13). */
static bool redirects(const struct operation *operation, const struct ale_answer *answer,
                      const struct driver_redirect *redirect)
{
    return redirect->redirected && answer->action == FWP_ACTION_PERMIT &&
           operation_is_redirect(operation) && operation->ask.rights & FWPS_RIGHT_ACTION_WRITE &&
           operation->ask.filter_type != FWP_ACTION_CALLOUT_INSPECTION;
}

/* What the callout has said, perhaps with another peer. */
static void advance_with(struct hold *hold, struct operation *operation, struct ale_answer *answer,
                         const struct driver_redirect *redirect)
{
    answer->mode = ALE_ANSWER;
    answer->registered = 1;
    if (redirects(operation, answer, redirect)) {
        operation->redirect = *redirect;
        operation->redirect.filter_id = operation->ask.filter_id;
        redirect_remember(hold, redirect->target_pid, operation->host);
        answer->redirected = 1;
        answer->redirect_port = redirect->port;
        memcpy(answer->redirect, redirect->address, sizeof(answer->redirect));
    }
    advance(hold, operation, answer);
}

/* As a filter's action counts: a permit is soft, a block hard. */
static void advance_decided(struct hold *hold, struct operation *operation, uint32_t action,
                            const struct driver_redirect *redirect)
{
    struct ale_answer answer = {.action = action, .rights = action == FWP_ACTION_PERMIT};

    advance_with(hold, operation, &answer, redirect);
}

void operation_question(struct hold *hold, const struct ale_ask *ask)
{
    struct operation *operation = operation_find(hold, ask->operation);

    if (operation)
        return;
    operation = operation_new(hold, ask);
    if (operation) {
        bool early = operation_is_redirect(operation) && ask->key.protocol != IPPROTO_TCP;

        operation->since = hold_now_ms();

        /* A datagram's socket may be connected long before it sends, and to lead it elsewhere its
         * ends have to be known. */
        operation_set_state(hold, operation, early ? OPERATION_AWAITING : OPERATION_NEW,
                            hold_now_ms() + (early ? hold->limits.pend_ms : PACKET_WAIT_MS));
        return;
    }
    struct ale_answer answer = {.key = ask->key, .operation = ask->operation, .mode = ALE_BLOCK};
    shim_asks_answer(hold->asks, &answer);
    hold->statistics.refused++;
}

void operation_packet(struct hold *hold, struct operation *operation)
{
    if (operation->state == OPERATION_AWAITING)
        operation_set_state(hold, operation, OPERATION_NEW, 0);
    if (operation->state == OPERATION_DECIDED)
        packets_drop(hold, operation); /* it met the rules before the decision */
}

/* ---- what hosts say ---- */

static void ignore(struct hold *hold)
{
    hold->statistics.ignored++;
}

static uint32_t shorter(uint32_t wanted, uint32_t limit)
{
    return wanted && wanted < limit ? wanted : limit;
}

static void pend(struct hold *hold, struct operation *operation, const struct driver_answer *answer)
{
    if (operation->pender != operation->host)
        tell_decided(operation, false); /* who pended it before is out of it */
    operation->pends++;
    operation->pender = operation->host;
    operation->default_action = answer->default_action;
    operation->took_packet |= answer->took_packet && operation_shows_packet(operation);
    shim_asks_watch(hold->asks, operation->ask.key.cookie, true);
    operation_set_state(hold, operation, OPERATION_PENDED,
                        hold_now_ms() + shorter(answer->deadline_ms, hold->limits.pend_ms));
}

/* It may not wait (again): as if its callout had not answered. */
static void refuse_pend(struct hold *hold, struct operation *operation)
{
    ignore(hold);
    if (operation->pender != operation->host)
        send_decided(operation->host, operation->ask.operation, false, true);
    operation_advance_without(hold, operation);
}

static void answered(struct hold *hold, struct operation *operation,
                     const struct driver_answer *said)
{
    const struct callout *callout = callout_find(hold, operation->ask.callout_id);
    struct ale_answer answer = {
        .action = said->action, .rights = said->rights, .absorb = said->absorb != 0};

    if (said->action == FWP_ACTION_NONE_NO_MATCH && callout &&
        callout->flags & HOLD_CALLOUT_CONDITIONAL)
        operation_pass_over(hold, operation); /* its context has gone meanwhile */
    else
        advance_with(hold, operation, &answer, &said->redirect);
}

void operation_answer(struct hold *hold, struct host *host, const struct driver_answer *answer)
{
    struct operation *operation = operation_find(hold, answer->header.operation);

    if (!operation || operation->state != OPERATION_ASKED || operation->host != host ||
        operation->round != answer->round) {
        if (answer->pended) /* it must know that nothing is kept for it */
            send_decided(host, answer->header.operation, false, true);
        ignore(hold);
        return;
    }
    if (answer->pended && operation_can_pend(hold, operation))
        pend(hold, operation, answer);
    else if (answer->pended)
        refuse_pend(hold, operation);
    else
        answered(hold, operation, answer);
}

/* 17.5: what is classified again is the packet that comes back, and it is no reauthorization. */
static void classify_returned(struct hold *hold, struct operation *operation)
{
    advance(hold, operation, &(struct ale_answer){.mode = ALE_RESTART});
}

void operation_complete(struct hold *hold, struct host *host,
                        const struct driver_complete *complete)
{
    struct operation *operation = operation_find(hold, complete->header.operation);

    if (!operation || operation->state != OPERATION_PENDED || operation->host != host) {
        ignore(hold);
        return;
    }
    if (complete->action)
        advance_decided(hold, operation, complete->action, &complete->redirect);
    else if (!operation_is_accept(operation) || !operation->showed_packet)
        advance(
            hold, operation,
            &(struct ale_answer){.mode = ALE_RESTART,
                                 .reason = FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION});
    else if (operation->returned)
        classify_returned(hold, operation);
    else
        operation_set_state(hold, operation, OPERATION_COMPLETED, hold_now_ms() + RETURN_MS);
}

static bool keep_returned(struct operation *operation, const struct driver_packet *message)
{
    uint8_t *bytes = malloc(message->packet_size);

    if (!bytes)
        return false;
    memcpy(bytes, message + 1, message->packet_size);
    free(operation->returned);
    operation->returned = bytes;
    operation->returned_size = message->packet_size;
    return true;
}

/* Before the decision it waits for it (S9). */
void operation_return(struct hold *hold, struct host *host, const struct driver_packet *message)
{
    struct operation *operation = operation_find(hold, message->header.operation);

    if (!operation || operation->state == OPERATION_DECIDED ||
        (operation->pender != host && operation->host != host) ||
        !operation_shows_packet(operation) ||
        !packet_is_like_first(operation, (const uint8_t *)(message + 1), message->packet_size) ||
        !keep_returned(operation, message)) {
        ignore(hold);
        return;
    }
    if (operation->state == OPERATION_COMPLETED)
        classify_returned(hold, operation);
    else if (operation->state == OPERATION_PERMITTED)
        permit_taken(hold, operation);
}

/* ---- time ---- */

static void pend_ended(struct hold *hold, struct operation *operation)
{
    uint32_t action = operation->default_action;

    hold->statistics.timed_out++;
    operation->timed_out = true;
    if (action == FWP_ACTION_PERMIT || action == FWP_ACTION_BLOCK)
        advance_decided(hold, operation, action, &(struct driver_redirect){0});
    else
        operation_advance_without(hold, operation);
}

static void late(struct hold *hold, struct operation *operation)
{
    switch (operation->state) {
    case OPERATION_NEW:
        break; /* told at once, or when its packet comes */
    case OPERATION_ASKED:
        hold->statistics.timed_out++;
        operation_advance_without(hold, operation);
        break;
    case OPERATION_PENDED:
        pend_ended(hold, operation);
        break;
    case OPERATION_COMPLETED:
        advance(hold, operation, &(struct ale_answer){.mode = ALE_BLOCK});
        break;
    case OPERATION_PERMITTED:
        packet_drop_first(hold, operation);
        packets_permit(hold, operation);
        end(hold, operation, true);
        break;
    case OPERATION_AWAITING:
    case OPERATION_DECIDED:
        forget_decided(hold, operation);
        break;
    }
}

void operation_scan(struct hold *hold, uint64_t now)
{
    struct operation *operation = hold->operations, *next;

    for (; operation; operation = next) {
        next = operation->next;
        if (operation->state != OPERATION_NEW && operation->deadline <= now)
            late(hold, operation);
    }
}

/* ---- those who go ---- */

/* A datagram that was sent may still be permitted when its sender is gone. */
static bool outlives_socket(const struct operation *operation)
{
    return operation->ask.key.protocol != IPPROTO_TCP && operation->first;
}

void operation_closed(struct hold *hold, uint64_t cookie)
{
    struct operation *operation = operation_of_socket(hold, cookie), *next;

    for (; operation; operation = next) {
        next = operation->next_of_socket;
        if (operation->ask.key.cookie != cookie || operation->state != OPERATION_PENDED ||
            outlives_socket(operation))
            continue;
        forget_in_kernel(hold, operation);
        lose(hold, operation);
    }
}

static bool is_waiting_for(const struct operation *operation, const struct host *host)
{
    return operation->host == host &&
           (operation->state == OPERATION_ASKED || operation->state == OPERATION_PENDED ||
            operation->state == OPERATION_COMPLETED);
}

void operation_host_gone(struct hold *hold, const struct host *host)
{
    struct operation *operation = hold->operations, *next;

    for (; operation; operation = next) {
        next = operation->next;
        if (operation->pender == host)
            operation->pender = NULL;
        if (is_waiting_for(operation, host))
            operation_advance_without(hold, operation);
        else if (operation->host == host && operation->state == OPERATION_PERMITTED)
            late(hold, operation);
    }
}

void operation_callout_gone(struct hold *hold, uint32_t callout_id)
{
    struct operation *operation = hold->operations, *next;

    for (; operation; operation = next) {
        next = operation->next;
        if (operation->ask.callout_id == callout_id && operation->host &&
            is_waiting_for(operation, operation->host)) {
            operation->pender = NULL;
            operation_advance_without(hold, operation);
        }
    }
}

static bool is_undecided(const struct operation *operation)
{
    return operation->state == OPERATION_NEW || operation->state == OPERATION_ASKED ||
           operation->state == OPERATION_PENDED;
}

void operation_release(struct hold *hold, const struct network *network, bool keep)
{
    struct operation *operation = hold->operations, *next;

    for (; operation; operation = next) {
        next = operation->next;
        if (network && (!operation->first || operation->first->network != network))
            continue;
        if (!keep && is_undecided(operation))
            operation_advance_without(hold, operation);
        else
            packets_drop(hold, operation);
    }
}

void operation_drop_all(struct hold *hold)
{
    while (hold->operations)
        operation_free(hold, hold->operations);
}
