/* What is asked, with all that is shown about it. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "src/model/layers.h"
#include "src/wfp/arena.h"
#include "src/wfp/ask.h"
#include "src/wfp/describe.h"
#include "src/wfp/hosts.h"
#include "src/wfp/policy/words.h"
#include "src/wfp/process.h"

uint64_t ask_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned ask_seconds_left(const struct ask_question *question)
{
    uint64_t now = ask_now();
    return question->expires <= now ? 0 : (unsigned)((question->expires - now + 999) / 1000);
}

const char *ask_protocol(const struct ask_question *question)
{
    const char *name = word_text(words_protocols, question->held.ipProtocol);
    if (question->layer == RULE_LISTEN)
        return "tcp";
    return name != NULL ? name
                        : arena_printf(question->arena, "protocol %u", question->held.ipProtocol);
}

const char *ask_action_word(FWP_ACTION_TYPE action)
{
    return action == FWP_ACTION_PERMIT ? "permit" : "block";
}

struct ask_question *ask_find(struct ask *ask, uint64_t id)
{
    struct ask_question *question = ask->questions;
    while (question != NULL && question->held.id != id)
        question = question->next;
    return question;
}

static void put_v4(uint8_t address[16], UINT32 host_order)
{
    uint32_t network = htonl(host_order);
    memset(address, 0, 16);
    address[10] = address[11] = 0xff;
    memcpy(address + 12, &network, sizeof(network));
}

static void read_place(struct ask_question *question)
{
    const OPENWFP_HELD *held = &question->held;
    bool local = !layer_facts(question->layer)->remote;
    char text[INET6_ADDRSTRLEN];
    if (held->ipVersion == FWP_IP_VERSION_V4)
        put_v4(question->address, local ? held->localAddrV4 : held->remoteAddrV4);
    else
        memcpy(question->address, local ? &held->localAddrV6 : &held->remoteAddrV6, 16);
    question->port = question->layer == RULE_CONNECT ? held->remotePort : held->localPort;
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)question->address))
        inet_ntop(AF_INET, question->address + 12, text, sizeof(text));
    else
        inet_ntop(AF_INET6, question->address, text, sizeof(text));
    question->address_text = arena_strdup(question->arena, text);
    question->host = local ? NULL : hosts_name(question->arena, text);
}

static void read_filter(struct ask *ask, struct ask_question *question)
{
    FWPM_FILTER0 *filter = NULL;
    if (FwpmFilterGetById0(ask->engine, question->held.filterId, &filter) != ERROR_SUCCESS)
        return;
    question->has_filter = true;
    question->filter_name = arena_narrow(question->arena, filter->displayData.name);
    question->sublayer = filter->subLayerKey;
    question->weight =
        filter->effectiveWeight.type == FWP_UINT64 ? *filter->effectiveWeight.uint64 : 0;
    question->persistent = (filter->flags & FWPM_FILTER_FLAG_PERSISTENT) != 0;
    FwpmFreeMemory0((void **)&filter);
}

struct ask_question *ask_question_new(struct ask *ask, const OPENWFP_HELD *held)
{
    struct arena *arena = arena_new();
    struct ask_question *question = arena_alloc(arena, sizeof(*question)), **link;
    enum family family;
    question->arena = arena;
    question->held = *held;
    question->held.appId.data = arena_alloc(arena, held->appId.size + 1);
    if (held->appId.size > 0)
        memcpy(question->held.appId.data, held->appId.data, held->appId.size);
    question->app = held->appId.size > 0 ? describe_app(arena, &question->held.appId) : "";
    question->filter_name = "";
    layer_facts_find(held->layerId, &question->layer, &family);
    read_place(question);
    read_filter(ask, question);
    question->process = process_find(arena, held->processId, held->processStartTime);
    for (link = &ask->questions; *link != NULL;)
        link = &(*link)->next;
    *link = question;
    return question;
}

void ask_question_drop(struct ask *ask, struct ask_question *question)
{
    struct ask_question **link = &ask->questions;
    while (*link != question)
        link = &(*link)->next;
    *link = question->next;
    arena_free(question->arena);
}
