/* The filters that answers to held operations make. */
#include <string.h>

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/ask.h"
#include "src/wfp/change.h"
#include "src/wfp/describe.h"
#include "src/wfp/policy/conditions.h"
#include "src/wfp/policy/key.h"
#include "src/wfp/policy/policy.h"
#include "src/wfp/policy/words.h"

/* Filters in the dynamic session, to be made again when bfe was restarted. */
struct ask_kept {
    FWPM_FILTER0 *filters;
    size_t count;
    struct ask_kept *next;
};

static bool is_icmp(const struct ask_question *question)
{
    return question->held.ipProtocol == 1 || question->held.ipProtocol == 58;
}

static enum ask_scope scope_of(const struct ask_answer *answer)
{
    return answer->span == ASK_PROGRAM ? ASK_ANY : answer->scope;
}

static bool has_address(const struct ask_question *question, enum ask_scope scope)
{
    static const uint8_t any4[16] = {[10] = 0xff, 0xff}, any6[16];
    return (scope == ASK_ADDRESS_PORT || scope == ASK_ADDRESS) &&
           memcmp(question->address, any4, 16) != 0 && memcmp(question->address, any6, 16) != 0;
}

static bool has_port(enum ask_scope scope)
{
    return scope == ASK_ADDRESS_PORT || scope == ASK_PORT;
}

static const char *protocol_text(const struct ask_question *question)
{
    const char *name = word_text(words_protocols, question->held.ipProtocol);
    if (question->layer == RULE_LISTEN)
        return "";
    if (name != NULL && word_find(words_clauses, name) == CLAUSE_PROTOCOL)
        return arena_printf(question->arena, " %s", name);
    return arena_printf(question->arena, " proto %u", question->held.ipProtocol);
}

static const char *address_word(enum rule_layer layer)
{
    return layer == RULE_CONNECT ? "to" : layer == RULE_ACCEPT ? "from" : "on";
}

/* The conditions but the program, of which the kernel's own name counts. */
static const char *conditions_text(const struct ask_question *question,
                                   const struct ask_answer *answer)
{
    struct arena *arena = question->arena;
    enum ask_scope scope = scope_of(answer);
    const char *text = "";
    if (!answer->every_user)
        text = arena_printf(arena, " user %u", question->held.uid);
    if (has_port(scope))
        text = arena_printf(arena, "%s%s", text, protocol_text(question));
    if (has_address(question, scope))
        text = arena_printf(arena, "%s %s %s", text, address_word(question->layer),
                            question->address_text);
    if (has_port(scope) && !is_icmp(question) && question->port != 0)
        text = arena_printf(arena, "%s port %u", text, question->port);
    return text;
}

static const char *head_text(const struct ask_question *question, const struct ask_answer *answer)
{
    return arena_printf(question->arena, "%s %s", ask_action_word(answer->action),
                        word_text(words_layers, question->layer));
}

const char *ask_rule_text(const struct ask_question *question, const struct ask_answer *answer)
{
    bool quoted = strpbrk(question->app, " \t{},=\"#") != NULL;
    return arena_printf(question->arena, quoted ? "%s app \"%s\"%s" : "%s app %s%s",
                        head_text(question, answer), question->app,
                        conditions_text(question, answer));
}

/* ---- the filters ---- */

static bool compile(const struct ask_question *question, const struct ask_answer *answer,
                    struct policy_objects *objects)
{
    struct arena *arena = question->arena;
    const char *text = arena_printf(arena, "%s%s\n", head_text(question, answer),
                                    conditions_text(question, answer));
    struct source source = {CHANGE_ANSWERS, text, strlen(text), NULL};
    struct compile_options options = {0};
    struct report report;
    report_init(&report, arena);
    return policy_read(arena, &environment_host, &source, &options, &report, objects);
}

static void add_program(struct arena *arena, FWPM_FILTER0 *filter, FWP_BYTE_BLOB *app)
{
    FWPM_FILTER_CONDITION0 *list =
        arena_alloc(arena, (filter->numFilterConditions + 1) * sizeof(*list));
    if (filter->numFilterConditions > 0)
        memcpy(list + 1, filter->filterCondition, filter->numFilterConditions * sizeof(*list));
    list[0].fieldKey = FWPM_CONDITION_ALE_APP_ID;
    list[0].matchType = FWP_MATCH_EQUAL;
    list[0].conditionValue.type = FWP_BYTE_BLOB_TYPE;
    list[0].conditionValue.byteBlob = app;
    filter->filterCondition = list;
    filter->numFilterConditions++;
}

/* In the place of the filter that held it: same sublayer, just heavier. */
static void place(const struct ask_question *question, const struct ask_answer *answer,
                  struct policy_objects *objects)
{
    struct arena *arena = question->arena;
    FWP_BYTE_BLOB *app = app_id_make(arena, question->app);
    for (size_t i = 0; i < objects->filter_count; i++) {
        FWPM_FILTER0 *filter = &objects->filters[i];
        add_program(arena, filter, app);
        filter->displayData.name = arena_wide(arena, ask_rule_text(question, answer));
        filter->displayData.description = arena_wide(arena, "an answer to wfp ask");
        filter->subLayerKey = question->sublayer;
        *filter->weight.uint64 = question->weight + (question->weight != UINT64_MAX);
        filter->flags = 0;
        if (answer->span == ASK_ALWAYS && question->persistent)
            filter->flags = FWPM_FILTER_FLAG_PERSISTENT;
        filter->filterKey = key_of_filter(filter);
        if (answer->span == ASK_PROGRAM) {
            filter->providerKey = NULL;
            filter->filterKey = (GUID){0};
        }
    }
}

static DWORD add_each(HANDLE engine, const FWPM_FILTER0 *filters, size_t count)
{
    DWORD code = FwpmTransactionBegin0(engine, 0);
    if (code != ERROR_SUCCESS)
        return code;
    for (size_t i = 0; code == ERROR_SUCCESS && i < count; i++) {
        code = FwpmFilterAdd0(engine, &filters[i], NULL, NULL);
        if (code == FWP_E_ALREADY_EXISTS)
            code = ERROR_SUCCESS;
    }
    if (code == ERROR_SUCCESS)
        return FwpmTransactionCommit0(engine);
    return code;
}

static const char *failure(struct arena *arena, HANDLE engine)
{
    const char *text = arena_printf(arena, "can't make the filter: %s", OpenWfpLastErrorText());
    if (engine != NULL)
        FwpmTransactionAbort0(engine);
    return text;
}

/* Made persistent, so that filters of either life may belong to it. */
static DWORD need_provider(HANDLE engine, const FWPM_PROVIDER0 *wanted)
{
    FWPM_PROVIDER0 provider = *wanted;
    provider.flags = FWPM_PROVIDER_FLAG_PERSISTENT;
    DWORD code = FwpmProviderAdd0(engine, &provider, NULL);
    return code == FWP_E_ALREADY_EXISTS ? ERROR_SUCCESS : code;
}

static DWORD open_dynamic(struct ask *ask)
{
    FWPM_SESSION0 session = {.flags = FWPM_SESSION_FLAG_DYNAMIC,
                             .displayData.name = (WCHAR[]){u"wfp ask: answers for programs"}};
    if (ask->dynamic != NULL)
        return ERROR_SUCCESS;
    DWORD code = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, &ask->dynamic);
    if (code != ERROR_SUCCESS)
        ask->dynamic = NULL;
    return code;
}

static void keep(struct ask *ask, const struct policy_objects *objects)
{
    struct ask_kept *kept = arena_alloc(ask->cli->arena, sizeof(*kept));
    *kept = (struct ask_kept){objects->filters, objects->filter_count, ask->kept};
    ask->kept = kept;
}

const char *ask_rule_add(struct ask *ask, const struct ask_question *asked,
                         const struct ask_answer *answer)
{
    const struct ask_question *question = asked;
    bool dynamic = answer->span == ASK_PROGRAM;
    struct ask_question lasting = *asked;
    struct policy_objects objects;
    if (dynamic) { /* what is kept outlives the question */
        lasting.arena = ask->cli->arena;
        question = &lasting;
    }
    if (question->app[0] == '\0')
        return "the program is not known: only \"once\" is possible";
    if (!question->has_filter)
        return "the filter that held it is gone: only \"once\" is possible";
    if (!compile(question, answer, &objects))
        return "no rule says that: only \"once\" is possible";
    place(question, answer, &objects);
    DWORD code = dynamic ? open_dynamic(ask) : need_provider(ask->engine, &objects.provider);
    HANDLE engine = dynamic ? ask->dynamic : ask->engine;
    if (code == ERROR_SUCCESS)
        code = add_each(engine, objects.filters, objects.filter_count);
    if (code != ERROR_SUCCESS)
        return failure(question->arena, engine);
    if (dynamic)
        keep(ask, &objects);
    return NULL;
}

void ask_rules_again(struct ask *ask)
{
    for (struct ask_kept *kept = ask->kept; kept != NULL; kept = kept->next) {
        if (open_dynamic(ask) != ERROR_SUCCESS ||
            add_each(ask->dynamic, kept->filters, kept->count) != ERROR_SUCCESS)
            ask->front->complain(ask, 0, failure(ask->cli->arena, ask->dynamic));
    }
}

/* ---- which other questions the filters answer ---- */

bool ask_rule_covers(const struct ask_question *question, const struct ask_answer *answer,
                     const struct ask_question *other)
{
    enum ask_scope scope = scope_of(answer);
    if (other->layer != question->layer || strcmp(other->app, question->app) != 0 ||
        !guid_equal(&other->sublayer, &question->sublayer) || other->weight > question->weight ||
        (!answer->every_user && other->held.uid != question->held.uid))
        return false;
    if (has_address(question, scope) && memcmp(other->address, question->address, 16) != 0)
        return false;
    return !has_port(scope) ||
           (other->held.ipProtocol == question->held.ipProtocol && other->port == question->port);
}
