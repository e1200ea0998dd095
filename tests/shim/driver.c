/*
 * The loader by hand: reads commands from stdin, answers each with one line, "ok …" or "error …".
 *
 *   open PIN_DIR CGROUP|- NETNS     shim_open
 *   commit FILTER…                  FILTER: LAYER:ACTION[:CALLOUT_SLOT:CONTEXT][,SLOT=LO-HI]…
 *                                   its id is its place in the list, from 1; heaviest first
 *   add ID FILTER | delete ID FILTER   a change in place; the smaller the id, the heavier
 *   app PATH | collect MASK | load SLOT OBJECT | unload SLOT | loaded SLOT | lost
 *   poll                            one JSON line per event, then "ok COUNT"
 *   asks open | asks close | asks recover
 *   asks                            one JSON line per question, then "ok COUNT"
 *   answer OPERATION MODE [ACTION RIGHTS]   to a question that was told; the outcome's number, and
 *                                   before it the next question
 *   remove PIN_DIR | probe
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify/change.h"
#include "classify/compile.h"
#include "model/layers.h"
#include "shims/bpf/ask.h"
#include "shims/bpf/shim.h"

#define WORDS     64
#define QUESTIONS 256
#define PERMIT    0x1002u

static struct shim *shim;
static struct shim_error error;
static struct classify_image *image; /* in force */

static void answer(int result)
{
    if (result < 0)
        printf("error %d %s\n", result, error.text);
    else
        printf("ok %d\n", result);
}

/* A filter of the model, made of numbers: its conditions are on fields that have those slots. */
struct draft {
    FWPM_FILTER0 filter;
    FWPM_FILTER_CONDITION0 conditions[WORDS];
    FWP_RANGE0 ranges[WORDS];
    UINT64 numbers[WORDS][2];
};

static const struct layer_field *field_of_slot(const struct layer_info *layer, unsigned long slot)
{
    for (unsigned i = 0; i < layer->field_count; i++)
        if (layer->fields[i].slot == (int)slot)
            return &layer->fields[i];
    return NULL;
}

/* Ranges of 64-bit numbers fit every field: the compiler compares numbers. */
static bool draft_test(struct draft *draft, const struct layer_info *layer, const char *test)
{
    unsigned i = draft->filter.numFilterConditions;
    unsigned long slot, low, high;

    if (i == WORDS || sscanf(test, "%lu=%lu-%lu", &slot, &low, &high) != 3 ||
        !field_of_slot(layer, slot))
        return false;
    draft->numbers[i][0] = low;
    draft->numbers[i][1] = high;
    draft->ranges[i] = (FWP_RANGE0){{.type = FWP_UINT64, .uint64 = &draft->numbers[i][0]},
                                    {.type = FWP_UINT64, .uint64 = &draft->numbers[i][1]}};
    draft->conditions[i] = (FWPM_FILTER_CONDITION0){
        .fieldKey = *field_of_slot(layer, slot)->condition,
        .matchType = FWP_MATCH_RANGE,
        .conditionValue = {.type = FWP_RANGE_TYPE, .rangeValue = &draft->ranges[i]}};
    draft->filter.filterCondition = draft->conditions;
    draft->filter.numFilterConditions++;
    return true;
}

static bool draft_filter(struct draft *draft, const char *text, unsigned id,
                         struct model_view_filter *view)
{
    char filter[256], *test = filter;
    unsigned number, action = PERMIT, slot, context = 0;

    snprintf(filter, sizeof(filter), "%s", text);
    int fields = sscanf(filter, "%u:%x:%u:%u", &number, &action, &slot, &context);
    const struct layer_info *layer = fields < 1 ? NULL : layer_by_id((uint16_t)number);
    if (!layer)
        return false;
    draft->filter.layerKey = layer->key;
    draft->filter.action.type = action;
    draft->filter.filterId = id;
    while ((test = strchr(test, ',')))
        if (!draft_test(draft, layer, ++test))
            return false;
    *view =
        (struct model_view_filter){.filter = &draft->filter,
                                   .weight = UINT64_MAX - id,
                                   .callout_slot = fields == 4 ? slot : MODEL_CALLOUT_UNREGISTERED,
                                   .context = context};
    return true;
}

static uint32_t no_app(void *ctx, const char *path)
{
    return 0;
}

static void do_commit(char **words, int count)
{
    const struct classify_intern intern = {NULL, no_app};
    struct draft *drafts = calloc((size_t)count + 1, sizeof(*drafts));
    struct model_view_filter *view = calloc((size_t)count + 1, sizeof(*view));
    struct classify_image *made = NULL;
    struct model_error why = {0};
    bool drafted = true;

    for (int i = 0; i < count && drafted; i++)
        drafted = draft_filter(&drafts[i], words[i], (unsigned)i + 1, &view[i]);
    if (!drafted || classify_compile(view, (size_t)count, &intern, &made, &why)) {
        printf("error 0 %s\n", drafted ? why.text : "not a filter");
    } else {
        answer(shim_commit(shim, made, &error));
        classify_image_free(image);
        image = made;
    }
    free(view);
    free(drafts);
}

static void do_change(bool adds, char **words, int count)
{
    const struct classify_intern intern = {NULL, no_app};
    struct draft draft = {0};
    struct model_view_filter view;
    struct classify_change change = {&view, &view, adds, !adds};
    struct model_error why = {0};

    if (count != 2 || !image ||
        !draft_filter(&draft, words[1], (unsigned)strtoul(words[0], NULL, 10), &view))
        printf("error 0 not a change\n");
    else if (classify_change_prepare(image, &change, &intern, &why))
        printf("error 0 %s\n", why.text);
    else
        answer(shim_change(shim, image, &error));
}

static void do_open(char **words, int count)
{
    struct shim_options options = {
        .pin_dir = words[0],
        .cgroup = strcmp(words[1], "-") ? words[1] : NULL,
        .netns = strtoull(words[2], NULL, 10),
    };

    options.scope = options.netns ? SHIM_SCOPE_NETNS : SHIM_SCOPE_CGROUP;
    int result = shim_open(&options, &shim, &error);
    answer(result ? result : shim_adopted(shim));
}

static void show(void *ctx, const struct shim_event *event)
{
    int family = event->family == 4 ? AF_INET : AF_INET6;
    char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

    inet_ntop(family, event->local, local, sizeof(local));
    inet_ntop(family, event->remote, remote, sizeof(remote));
    printf("{\"layer\":%u,\"action\":%u,\"protocol\":%u,\"local\":\"%s\",\"local_port\":%u,"
           "\"remote\":\"%s\",\"remote_port\":%u,\"direction\":%u,\"filter\":%llu,\"flags\":%u,"
           "\"pid\":%u,\"uid\":%u,\"gid\":%u,\"netns\":%u,\"flow\":%llu,\"start\":%llu,"
           "\"cgroup\":%llu,\"time\":%llu,\"app\":\"%s\",\"comm\":\"%.16s\"}\n",
           event->layer, event->action, event->protocol, local, event->local_port, remote,
           event->remote_port, event->direction, (unsigned long long)event->filter_id,
           event->condition_flags, event->pid, event->uid, event->gid, event->netns,
           (unsigned long long)event->flow, (unsigned long long)event->start_time,
           (unsigned long long)event->cgroup, (unsigned long long)event->time_ns, event->app,
           event->comm);
}

static struct shim_asks *asks;
static struct ale_ask questions[QUESTIONS]; /* by the operation's number */
static int told;

static void tell_question(void *ctx, const struct ale_ask *ask)
{
    char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

    if (ask->kind == ALE_ASK)
        questions[ask->operation % QUESTIONS] = *ask;
    inet_ntop(AF_INET6, ask->local, local, sizeof(local));
    inet_ntop(AF_INET6, ask->remote, remote, sizeof(remote));
    printf("{\"kind\":%u,\"hold\":%u,\"operation\":%llu,\"layer\":%u,\"protocol\":%u,"
           "\"local\":\"%s\",\"local_port\":%u,\"remote\":\"%s\",\"remote_port\":%u,"
           "\"filter\":%llu,\"context\":%llu,\"callout\":%u,\"rights\":%u,\"pid\":%u,\"uid\":%u,"
           "\"flags\":%llu,\"netns\":%u,\"cookie\":%llu,\"app\":\"%s\"}\n",
           ask->kind, ask->hold, (unsigned long long)ask->operation, ask->layer, ask->key.protocol,
           local, ask->local_port, remote, ask->remote_port, (unsigned long long)ask->filter_id,
           (unsigned long long)ask->filter_context, ask->callout_id, ask->rights, ask->pid,
           ask->uid, (unsigned long long)ask->fields.value[CLASSIFY_FLAGS], ask->netns,
           (unsigned long long)ask->key.cookie, shim_asks_app(asks, ask->app));
    told++;
}

static void tell_packet(void *ctx, const struct ale_ask_packet *packet)
{
}

static int close_asks(void)
{
    shim_asks_close(asks);
    asks = NULL;
    return 0;
}

static void do_asks(const char *what)
{
    const struct shim_asks_sink sink = {NULL, tell_question, tell_packet};

    told = 0;
    if (what && !strcmp(what, "open"))
        answer(shim_asks_open(shim, &asks, &error));
    else if (what && !strcmp(what, "close"))
        answer(close_asks());
    else if (what && !strcmp(what, "recover"))
        shim_asks_recover(asks, &sink), answer(told);
    else
        shim_asks_poll(asks, &sink), answer(told);
}

static void do_answer(char **words, int count)
{
    unsigned long long operation = strtoull(words[0], NULL, 10);
    struct ale_answer given = {
        .key = questions[operation % QUESTIONS].key,
        .operation = operation,
        .mode = count > 1 ? (uint32_t)atoi(words[1]) : ALE_ANSWER,
        .action = count > 2 ? (uint32_t)strtoul(words[2], NULL, 16) : 0,
        .rights = count > 3 ? (uint32_t)atoi(words[3]) : 1,
        .registered = count > 2,
        .reason = 1,
    };
    int result = shim_asks_answer(asks, &given);

    if (result == 0 && given.outcome == ALE_OUTCOME_ASK)
        tell_question(NULL, &given.next);
    answer(result ? result : (int)given.outcome);
}

static void do_probe(void)
{
    struct shim_report report;

    shim_probe(&report);
    for (int i = 0; i < SHIM_HOOKS; i++)
        printf("%s %s\n", report.hooks[i].name, report.hooks[i].works ? "works" : "lacks");
    printf("ok %d\n", report.usable);
}

static void obey(char **words, int count)
{
    const char *command = words[0];

    memset(&error, 0, sizeof(error));
    if (!strcmp(command, "open"))
        do_open(words + 1, count - 1);
    else if (!strcmp(command, "commit"))
        do_commit(words + 1, count - 1);
    else if (!strcmp(command, "add") || !strcmp(command, "delete"))
        do_change(!strcmp(command, "add"), words + 1, count - 1);
    else if (!strcmp(command, "app"))
        answer(shim_app_number(shim, words[1]));
    else if (!strcmp(command, "collect"))
        answer(shim_collect(shim, strtoul(words[1], NULL, 10), &error));
    else if (!strcmp(command, "load"))
        answer(shim_callout_load(shim, atoi(words[1]), words[2], &error));
    else if (!strcmp(command, "unload"))
        answer(shim_callout_unload(shim, atoi(words[1]), &error));
    else if (!strcmp(command, "loaded"))
        answer(shim_callout_loaded(shim, atoi(words[1])));
    else if (!strcmp(command, "lost"))
        answer(shim_lost(shim) > 0);
    else if (!strcmp(command, "poll"))
        answer(shim_poll(shim, show, NULL));
    else if (!strcmp(command, "asks"))
        do_asks(words[1]);
    else if (!strcmp(command, "answer"))
        do_answer(words + 1, count - 1);
    else if (!strcmp(command, "remove"))
        answer(shim_remove(words[1], &error));
    else if (!strcmp(command, "probe"))
        do_probe();
    else
        printf("error 0 no such command\n");
}

int main(void)
{
    char line[4096], *words[WORDS];

    setlinebuf(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        int count = 0;

        for (char *word = strtok(line, " \n"); word && count < WORDS - 1;
             word = strtok(NULL, " \n"))
            words[count++] = word;
        words[count] = NULL;
        if (count)
            obey(words, count);
    }
    shim_asks_close(asks);
    shim_close(shim);
    return 0;
}
