/* wfp explain */
#include <stdio.h>

#include "src/wfp/arena.h"
#include "src/wfp/describe.h"
#include "src/wfp/draft.h"
#include "src/wfp/engine.h"
#include "src/wfp/json.h"
#include "src/wfp/load.h"
#include "src/wfp/question.h"
#include "src/wfp/table.h"
#include "src/wfp/utf8.h"

static const char *action_word(FWP_ACTION_TYPE action)
{
    switch (action) {
    case FWP_ACTION_PERMIT:
        return "permit";
    case FWP_ACTION_BLOCK:
        return "block";
    default:
        return "callout";
    }
}

/* What became of a matching filter, in words. */
static const char *outcome_text(struct arena *arena, const OPENWFP_EXPLAIN_STEP *step)
{
    unsigned long long by = step->outvotedBy;
    switch (step->outcome) {
    case OPENWFP_OUTCOME_STOOD:
        return "decided";
    case OPENWFP_OUTCOME_OUTVOTED:
        return by == 0 ? "outvoted" : arena_printf(arena, "outvoted by %llu", by);
    case OPENWFP_OUTCOME_CONTINUED:
        return "left it to the next";
    case OPENWFP_OUTCOME_NOT_REACHED:
        return by == 0 ? "not reached" : arena_printf(arena, "not reached: %llu came first", by);
    case OPENWFP_OUTCOME_VETOED:
        return "vetoed";
    case OPENWFP_OUTCOME_HELD:
        return "asks an administrator";
    default:
        return "?";
    }
}

static const char *outcome_word(OPENWFP_OUTCOME outcome)
{
    static const char *const words[] = {"stood",       "outvoted", "continued",
                                        "not-reached", "vetoed",   "held"};
    return (unsigned)outcome < sizeof(words) / sizeof(words[0]) ? words[outcome] : "?";
}

/* The filter that holds the operation; NULL: none does. */
static const OPENWFP_EXPLAIN_STEP *held_by(const OPENWFP_EXPLANATION *explanation)
{
    for (UINT32 i = 0; i < explanation->numSteps; i++) {
        if (explanation->steps[i].outcome == OPENWFP_OUTCOME_HELD)
            return &explanation->steps[i];
    }
    return NULL;
}

static const char *step_action(const OPENWFP_EXPLAIN_STEP *step)
{
    return step->outcome == OPENWFP_OUTCOME_HELD ? "hold" : action_word(step->action);
}

/* A callout that is loaded runs in the kernel only: what it would answer nobody knows here. */
static bool depends_on_callouts(const OPENWFP_EXPLANATION *explanation)
{
    for (UINT32 i = 0; i < explanation->numSteps; i++) {
        const OPENWFP_EXPLAIN_STEP *step = &explanation->steps[i];
        if ((step->action & FWP_ACTION_FLAG_CALLOUT) != 0 &&
            step->action != FWP_ACTION_CALLOUT_INSPECTION &&
            step->outcome == OPENWFP_OUTCOME_CONTINUED)
            return true;
    }
    return false;
}

/* ---- for people ---- */

static void print_steps(const struct cli *cli, const OPENWFP_EXPLANATION *explanation)
{
    static const char *const titles[] = {"SUBLAYER", "WEIGHT", "FILTER", "ACTION",
                                         "OUTCOME",  "NAME",   NULL};
    struct table *table = table_new(cli->arena, titles);
    for (UINT32 i = 0; i < explanation->numSteps; i++) {
        const OPENWFP_EXPLAIN_STEP *step = &explanation->steps[i];
        table_row(table);
        table_cell(table, "%s", arena_narrow(cli->arena, step->subLayerName));
        table_cell(table, "%u", step->subLayerWeight);
        table_cell(table, "%llu", (unsigned long long)step->filterId);
        table_cell(table, "%s", step_action(step));
        table_cell(table, "%s", outcome_text(cli->arena, step));
        table_cell(table, "%s", arena_narrow(cli->arena, step->filterName));
    }
    table_print(table, stdout, cli->colour);
}

static void print_explanation(const struct cli *cli, const char *question,
                              const OPENWFP_EXPLANATION *explanation)
{
    bool blocked = explanation->action == FWP_ACTION_BLOCK;
    const char *colour = !cli->colour ? "" : blocked ? "\033[1;31m" : "\033[1;32m";
    print_clean(stdout, question);
    if (held_by(explanation) != NULL)
        printf(": HELD; if nobody answers %s%s%s", colour, blocked ? "BLOCKED" : "PERMITTED",
               cli->colour ? "\033[0m" : "");
    else
        printf(": %s%s%s", colour, blocked ? "BLOCKED" : "PERMITTED", cli->colour ? "\033[0m" : "");
    if (explanation->filterId == 0)
        printf(": no filter at %s %s\n", describe_layer_id(cli->arena, explanation->layerId),
               explanation->numSteps == 0 ? "matches" : "decides");
    else
        printf(" by filter %llu at %s\n", (unsigned long long)explanation->filterId,
               describe_layer_id(cli->arena, explanation->layerId));
    if (explanation->numSteps > 0)
        print_steps(cli, explanation);
    if (depends_on_callouts(explanation))
        puts("Unless a callout decides otherwise: it is asked only when it happens.");
}

/* ---- for programs ---- */

static void step_json(const struct cli *cli, struct json *json, const OPENWFP_EXPLAIN_STEP *step)
{
    json_object(json, NULL);
    json_number(json, "filter", step->filterId);
    json_text(json, "name", arena_narrow(cli->arena, step->filterName));
    json_text(json, "sublayer", arena_narrow(cli->arena, step->subLayerName));
    json_number(json, "sublayer_weight", step->subLayerWeight);
    json_number(json, "weight", step->weight);
    json_text(json, "action", step_action(step));
    json_text(json, "outcome", outcome_word(step->outcome));
    json_number(json, "outvoted_by", step->outvotedBy);
    json_bool(json, "hard", step->hard);
    json_object_end(json);
}

static void explanation_json(const struct cli *cli, const char *question,
                             const OPENWFP_EXPLANATION *explanation)
{
    struct json json = {stdout, false};
    json_object(&json, NULL);
    json_text(&json, "question", question);
    json_text(&json, "verdict", action_word(explanation->action));
    json_text(&json, "layer", describe_layer_id(cli->arena, explanation->layerId));
    json_number(&json, "filter", explanation->filterId);
    json_bool(&json, "held", held_by(explanation) != NULL);
    json_bool(&json, "depends_on_callouts", depends_on_callouts(explanation));
    json_array(&json, "steps");
    for (UINT32 i = 0; i < explanation->numSteps; i++)
        step_json(cli, &json, &explanation->steps[i]);
    json_array_end(&json);
    json_object_end(&json);
    json_end(&json);
}

static int say(const struct cli *cli, const char *question, const OPENWFP_EXPLANATION *explanation)
{
    if (cli->json)
        explanation_json(cli, question, explanation);
    else
        print_explanation(cli, question, explanation);
    return explanation->action == FWP_ACTION_BLOCK ? EXIT_BLOCKED : EXIT_DONE;
}

/* ---- who is asked ---- */

static int ask_engine(struct cli *cli, const char *text, const OPENWFP_EXPLAIN_REQUEST *request)
{
    OPENWFP_EXPLANATION *explanation = NULL;
    HANDLE engine;
    int result = engine_open(cli, 0, &engine);
    if (result != EXIT_DONE)
        return result;
    DWORD code = OpenWfpExplain(engine, request, &explanation);
    if (code == ERROR_SUCCESS)
        result = say(cli, text, explanation);
    else
        result = engine_fail(cli, code, "can't explain that");
    FwpmFreeMemory0((void **)&explanation);
    FwpmEngineClose0(engine);
    return result;
}

static int ask_draft(struct cli *cli, const char *path, const struct question *question)
{
    struct environment environment = load_environment(NULL);
    struct compile_options options = {0};
    struct policy_objects objects;
    OPENWFP_EXPLANATION explanation;
    int result = load_policy(cli, &environment, path, &options, &objects);
    if (result == EXIT_DONE)
        result = draft_explain(cli, &objects, question, &explanation);
    return result == EXIT_DONE ? say(cli, question->text, &explanation) : result;
}

static int explain_event(struct cli *cli, const char *id)
{
    OPENWFP_EXPLAIN_REQUEST request = {0};
    if (!cli_arguments(cli, 0, 0))
        return EXIT_USAGE;
    if (!number_parse(id, UINT64_MAX, &request.eventId) || request.eventId == 0)
        return cli_usage(cli, "an event has a number, not \"%s\"", id);
    return ask_engine(cli, arena_printf(cli->arena, "event %s", id), &request);
}

int command_explain(struct cli *cli)
{
    const char *event = cli_option(cli, "--event");
    const char *policy = cli_option(cli, "--policy");
    struct question_options options = {.user = cli_option(cli, "--user"),
                                       .local = cli_option(cli, "--local"),
                                       .flags = cli_option(cli, "--flags")};
    struct question question;
    if (event != NULL)
        return explain_event(cli, event);
    if (!cli_arguments(cli, 4, 4))
        return EXIT_USAGE;
    int result = question_read(cli, &options, &question);
    if (result != EXIT_DONE)
        return result;
    return policy != NULL ? ask_draft(cli, policy, &question)
                          : ask_engine(cli, question.text, &question.request);
}
