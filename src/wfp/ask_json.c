/* wfp ask --json: what happens on standard output, answers on standard input, an object a line. */
#include <stdio.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/ask.h"
#include "src/wfp/describe.h"
#include "src/wfp/event.h"
#include "src/wfp/hosts.h"
#include "src/wfp/json.h"
#include "src/wfp/json_read.h"
#include "src/wfp/policy/words.h"
#include "src/wfp/process.h"

static struct json begin(const char *event, uint64_t id)
{
    struct json json = {stdout, false};
    json_object(&json, NULL);
    json_text(&json, "event", event);
    if (id != 0)
        json_number(&json, "id", id);
    return json;
}

static void end(struct json *json)
{
    json_object_end(json);
    json_end(json);
    fflush(stdout);
}

static void processes_json(const struct ask_question *question, struct json *json)
{
    json_array(json, "processes");
    for (const struct process *p = question->process; p != NULL; p = p->parent) {
        json_object(json, NULL);
        json_number(json, "pid", p->pid);
        json_text(json, "comm", p->comm);
        json_text(json, "path", p->path);
        json_object_end(json);
    }
    json_array_end(json);
}

static void place_json(const struct ask_question *question, struct json *json)
{
    json_text(json, "address", question->address_text);
    json_number(json, "port", question->port);
    json_text(json, "name", question->host);
    if (question->host != NULL)
        json_text(json, "name_from", HOSTS_PATH);
}

static void asked(struct ask *ask, struct ask_question *question)
{
    const OPENWFP_HELD *held = &question->held;
    struct json json = begin("question", held->id);
    json_number(&json, "count", held->count);
    json_text(&json, "layer", describe_layer_id(question->arena, held->layerId));
    json_text(&json, "protocol", ask_protocol(question));
    json_text(&json, "program", question->app);
    json_text(&json, "comm", held->comm);
    json_number(&json, "pid", held->processId);
    processes_json(question, &json);
    json_text(&json, "user", event_user(question->arena, held->uid));
    json_number(&json, "uid", held->uid);
    json_number(&json, "gid", held->gid);
    json_number(&json, "netns", held->netns);
    json_number(&json, "cgroup", held->cgroupId);
    place_json(question, &json);
    json_number(&json, "local_port", held->localPort);
    json_number(&json, "remote_port", held->remotePort);
    json_number(&json, "filter", held->filterId);
    json_text(&json, "filter_name", question->filter_name);
    json_number(&json, "timeout_ms", held->timeout);
    json_number(&json, "remaining_ms", held->remaining);
    json_text(&json, "default", ask_action_word(held->defaultAction));
    end(&json);
}

static void ended(struct ask *ask, struct ask_question *question, const OPENWFP_HELD_NOTICE *notice)
{
    static const char *const words[] = {[OPENWFP_HELD_ANSWERED] = "answered",
                                        [OPENWFP_HELD_EXPIRED] = "expired",
                                        [OPENWFP_HELD_GONE] = "gone"};
    struct json json = begin(words[notice->change], question->held.id);
    if (notice->change != OPENWFP_HELD_GONE)
        json_text(&json, "action", ask_action_word(notice->action));
    if (notice->change == OPENWFP_HELD_ANSWERED)
        json_number(&json, "by", notice->answeredBy);
    end(&json);
}

static void connected(struct ask *ask, bool connected)
{
    struct json json = begin(connected ? "connected" : "disconnected", 0);
    end(&json);
}

static void complain(struct ask *ask, uint64_t id, const char *text)
{
    struct json json = begin("error", id);
    json_text(&json, "text", text);
    end(&json);
}

/* ---- answers ---- */

static const struct word actions[] = {{"permit", 1}, {"block", 0}, {NULL, 0}};
static const struct word spans[] = {
    {"once", ASK_ONCE}, {"program", ASK_PROGRAM}, {"always", ASK_ALWAYS}, {NULL, 0}};
static const struct word scopes[] = {{"address-port", ASK_ADDRESS_PORT},
                                     {"address", ASK_ADDRESS},
                                     {"port", ASK_PORT},
                                     {"any", ASK_ANY},
                                     {NULL, 0}};

/* False: the member is there and says none of the words. */
static bool choose(const struct json_member *members, const char *key, const struct word *words,
                   int *choice)
{
    const struct json_member *member = json_member(members, key, JSON_TEXT);
    if (member == NULL)
        return true;
    *choice = word_find(words, member->text);
    return *choice >= 0;
}

/* NULL: the answer is read. */
static const char *read_answer(const struct json_member *members, struct ask_answer *answer)
{
    const struct json_member *every = json_member(members, "every_user", JSON_BOOL);
    int action = -1, span = ASK_ONCE, scope = ASK_ADDRESS_PORT;
    if (!choose(members, "action", actions, &action) || action < 0)
        return "\"action\" is \"permit\" or \"block\"";
    if (!choose(members, "for", spans, &span))
        return "\"for\" is \"once\", \"program\" or \"always\"";
    if (!choose(members, "to", scopes, &scope))
        return "\"to\" is \"address-port\", \"address\", \"port\" or \"any\"";
    *answer = (struct ask_answer){.action = action == 1 ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK,
                                  .span = (enum ask_span)span,
                                  .scope = (enum ask_scope)scope,
                                  .every_user = every != NULL && every->number != 0};
    return NULL;
}

static void take(struct ask *ask, const struct json_member *members)
{
    const struct json_member *id = json_member(members, "id", JSON_NUMBER);
    struct ask_question *question = id == NULL ? NULL : ask_find(ask, id->number);
    struct ask_answer answer;
    const char *wrong = read_answer(members, &answer);
    if (id == NULL)
        complain(ask, 0, "an answer has the question's \"id\"");
    else if (wrong != NULL)
        complain(ask, id->number, wrong);
    else if (question == NULL || question->answered)
        complain(ask, id->number, "there is no such question, or it has its answer already");
    else
        ask_give(ask, question, &answer);
}

static void line(struct ask *ask, const char *text)
{
    struct arena *arena = arena_new();
    const struct json_member *members;
    if (text[strspn(text, " \t\r")] == '\0')
        ;
    else if (json_read(arena, text, &members))
        take(ask, members);
    else
        complain(ask, 0, "a line is one JSON object of texts, numbers, true and false");
    arena_free(arena);
}

const struct ask_front ask_json = {asked, ended, line, connected, complain};
