/* From a CLASSIFY message to the callout's function, and its answer back. */
#include <stdlib.h>

#include "fwpkclnt/handle.h"

_Thread_local struct classify *classify_current;

bool classify_inside(uint32_t callout_id)
{
    for (const struct classify *classify = classify_current; classify; classify = classify->outer)
        if (classify->callout->node.number == callout_id)
            return true;
    return false;
}

static void send_answer(const struct driver_classify *message, struct driver_answer *answer)
{
    answer->round = message->round;
    channel_send(DRIVER_ANSWER, message->header.operation, answer, sizeof(*answer));
}

/* As the filter's flags say of a callout that is not registered (7.2). */
static void answer_for_nobody(const struct driver_classify *message)
{
    struct driver_answer answer = {.action = FWP_ACTION_BLOCK};

    if (message->ask.filter_type == FWP_ACTION_CALLOUT_INSPECTION)
        answer.action = FWP_ACTION_CONTINUE;
    else if (message->ask.filter_flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED)
        answer.action = FWP_ACTION_PERMIT;
    answer.rights = answer.action == FWP_ACTION_BLOCK ? 0 : message->ask.rights;
    send_answer(message, &answer);
}

/* FWPS_FILTER0 to 3 are laid out alike. */
static FWPS_FILTER3 make_filter(const struct ale_ask *ask)
{
    FWPS_FILTER3 filter = {.filterId = ask->filter_id,
                           .action = {ask->filter_type, ask->callout_id},
                           .context = ask->filter_context};

    if (ask->filter_flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT)
        filter.flags |= FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    if (ask->filter_flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED)
        filter.flags |= FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    return filter;
}

static void call(struct classify *classify, const struct values *values, struct flow_context *flow,
                 FWPS_CLASSIFY_OUT0 *out)
{
    FWPS_FILTER3 filter = make_filter(&classify->message->ask);
    const struct callout *callout = classify->callout;
    UINT64 context = flow ? flow_value(flow) : 0;
    void *data = classify->packet ? packet_list(classify->packet) : NULL;
    FWPS_INCOMING_METADATA_VALUES0 metadata;
    struct redirection redirection;

    if (layer_role(classify->message->ask.layer) == ROLE_CONNECT_REDIRECT) {
        redirection_fill(&redirection, classify->message);
        data = &redirection.shown;
    }
    metadata_make(classify, values, &metadata);
    classify->outer = classify_current;
    classify_current = classify;
    if (callout->version == 0)
        callout->classify0(&values->fixed, &metadata, data, (const FWPS_FILTER0 *)&filter, context,
                           out);
    else
        callout->classify(&values->fixed, &metadata, data, (void *)(uintptr_t)classify->number,
                          &filter, context, out);
    classify_current = classify->outer;
}

/* Whether the packet goes on only if the driver injects it. */
static bool took_packet(const struct classify *classify, const FWPS_CLASSIFY_OUT0 *out)
{
    const struct packet *packet = classify->packet;
    bool absorbed = classify->pend || (out->actionType == FWP_ACTION_BLOCK &&
                                       out->flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB);

    if (!packet || !absorbed)
        return false;
    return packet->taken ||
           (classify->pend && layer_role(classify->message->ask.layer) == ROLE_ACCEPT);
}

static void answer_for(const struct classify *classify, const FWPS_CLASSIFY_OUT0 *out)
{
    struct driver_answer answer = {
        .action = out->actionType,
        .rights = out->rights & FWPS_RIGHT_ACTION_WRITE,
        .absorb = out->flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB ? 1 : 0,
        .pended = classify->pend != 0,
    };

    runtime_lock();
    answer.took_packet = took_packet(classify, out);
    if (!classify->pend)
        redirection_decide(handle_of(classify), &answer.action, &answer.redirect);
    if (answer.action != out->actionType)
        answer.rights = 0;
    runtime_unlock();
    if (classify->pend && out->actionType != FWP_ACTION_BLOCK)
        runtime_log("a classify that pended its operation returned action %#x: it is pended",
                    out->actionType);
    send_answer(classify->message, &answer);
}

static bool conditional_on_flow(const struct classify *classify, const struct flow_context *flow)
{
    return !flow && classify->callout->flags & FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW;
}

static void classify_it(struct operation *operation, struct classify *classify,
                        struct flow_context *flow)
{
    FWPS_CLASSIFY_OUT0 out = {.actionType = FWP_ACTION_NONE,
                              .filterId = classify->message->ask.filter_id,
                              .rights = classify->message->ask.rights};
    struct values values;
    bool known = values_make(classify->message, &values);

    if (!known)
        runtime_log("layer %u is not known", classify->message->ask.layer);
    else if (conditional_on_flow(classify, flow))
        out.actionType = FWP_ACTION_NONE_NO_MATCH;
    else
        call(classify, &values, flow, &out);
    if (known)
        answer_for(classify, &out);
    else
        answer_for_nobody(classify->message);
    values_free(&values);
    if (classify->pend)
        pend_answered(operation, classify->pend);
}

/* With the lock held. The packet that was shown before is shown again, with what became of it. */
static struct packet *show_packet(struct operation *operation,
                                  const struct driver_classify *message)
{
    struct packet *packet = packet_new(message);

    if (!packet)
        return NULL;
    if (message->flags & DRIVER_INJECTED) {
        packet->injected = true;
        packet->injection = operation->injection;
        packet->injection_context = operation->injection_context;
    }
    if (operation->packet)
        packet_release(operation->packet);
    operation->packet = packet;
    packet->references++;
    return packet;
}

void classify_run(struct operation *operation, struct work *work)
{
    const struct driver_classify *message = work_about(work);
    struct classify classify = {.message = message};
    struct flow_context *flow = NULL;

    runtime_lock();
    classify.callout = callout_enter(message->ask.callout_id);
    if (classify.callout) {
        if (layer_role(message->ask.layer) != ROLE_CONNECT_REDIRECT)
            classify.packet = show_packet(operation, message);
        classify.number = ++runtime.last_number;
        flow = flow_enter(message->ask.key.cookie, message->ask.layer, message->ask.callout_id);
    }
    runtime_unlock();
    if (classify.callout)
        classify_it(operation, &classify, flow);
    else
        answer_for_nobody(message);
    if (flow)
        flow_leave(flow);
    runtime_lock();
    handle_done(&classify);
    if (classify.packet)
        packet_release(classify.packet);
    if (classify.callout)
        callout_leave(classify.callout);
    runtime_unlock();
    free(work);
}
