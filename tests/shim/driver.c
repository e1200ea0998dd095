/*
 * The loader by hand: reads commands from stdin, answers each with one line, "ok …" or "error …".
 *
 *   open PIN_DIR CGROUP|- NETNS     shim_open
 *   commit FILTER…                  FILTER: LAYER:ACTION[:CALLOUT_SLOT:CONTEXT][,SLOT=LO-HI]…
 *                                   its id is its place in the list, from 1; heaviest first
 *   app PATH | collect MASK | load SLOT OBJECT | unload SLOT | loaded SLOT | lost
 *   poll                            one JSON line per event, then "ok COUNT"
 *   remove PIN_DIR | probe
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify/compile.h"
#include "shims/bpf/shim.h"

#define WORDS       64
#define MAX_COUNT   1024
#define PERMIT      0x1002u
#define TERMINATING 0x5003u

static struct shim *shim;
static struct shim_error error;

static void answer(int result)
{
    if (result < 0)
        printf("error %d %s\n", result, error.text);
    else
        printf("ok %d\n", result);
}

/* One sublayer per layer: the first match ends the walk, so every action jumps to the end. */
struct draft {
    struct classify_element elements[MAX_COUNT];
    uint32_t count;
};

static struct classify_element *emit(struct draft *draft, uint8_t kind)
{
    struct classify_element *element = &draft->elements[draft->count++];

    element->kind = kind;
    element->callout = CLASSIFY_NO_CALLOUT;
    return element;
}

static bool is_at_layer(const char *filter, unsigned layer)
{
    return strtoul(filter, NULL, 10) == layer;
}

static unsigned long draft_tests(struct draft *draft, char *filter)
{
    unsigned long protocols = 7, slot, low, high;
    char *test = filter;

    while ((test = strchr(test, ','))) {
        *test++ = '\0';
        struct classify_element *element = emit(draft, CLASSIFY_TEST);

        if (sscanf(test, "%lu=%lu-%lu", &slot, &low, &high) != 3)
            continue;
        element->op = CLASSIFY_IN_RANGE;
        element->slot = slot;
        element->test.lo[0] = low;
        element->test.hi[0] = high;
        element->on_match = draft->count;
        if (slot == CLASSIFY_PROTOCOL)
            protocols = low == 6 ? 1 : low == 17 ? 2 : 4;
    }
    return protocols;
}

static unsigned long draft_filter(struct draft *draft, const char *text, unsigned id)
{
    char filter[256];
    unsigned action = PERMIT, slot, context, first = draft->count;

    snprintf(filter, sizeof(filter), "%s", text);
    unsigned long protocols = draft_tests(draft, filter);
    struct classify_element *element = emit(draft, CLASSIFY_ACTION);

    int fields = sscanf(filter, "%*u:%x:%u:%u", &action, &slot, &context);
    element->action.type = action;
    element->action.filter_id = id;
    if (fields == 3) {
        element->callout = slot;
        element->action.context = context;
    }
    element->on_miss = draft->count;
    for (uint32_t i = first; i < draft->count - 1; i++)
        draft->elements[i].on_miss = draft->count;
    return protocols;
}

static void draft_layer(struct draft *draft, unsigned layer, char **filters, int count)
{
    struct classify_element *directory = &draft->elements[layer];
    uint32_t first = draft->count;

    directory->kind = CLASSIFY_LAYER;
    for (int i = 0; i < count; i++)
        if (is_at_layer(filters[i], layer))
            directory->layer.protocols |= draft_filter(draft, filters[i], i + 1);
    directory->layer.first = first;
    directory->layer.end = draft->count;
    for (uint32_t i = first; i < draft->count; i++)
        if (draft->elements[i].kind == CLASSIFY_ACTION)
            draft->elements[i].on_match = draft->count;
}

static void do_commit(char **words, int count)
{
    struct draft *draft = calloc(1, sizeof(*draft));
    struct classify_image image = {0};

    draft->count = CLASSIFY_DIRECTORY;
    for (unsigned layer = 0; layer < CLASSIFY_HEADER; layer++)
        draft_layer(draft, layer, words, count);
    image.elements = draft->elements;
    image.count = (draft->count + CLASSIFY_BLOCK - 1) / CLASSIFY_BLOCK * CLASSIFY_BLOCK;
    answer(shim_commit(shim, &image, &error));
    free(draft);
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
    shim_close(shim);
    return 0;
}
