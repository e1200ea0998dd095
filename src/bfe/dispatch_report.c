/* What the engine has to work with and how it is doing; live flows. */
#include "dispatch.h"

#include <string.h>
#include <sys/utsname.h>

#include "flow_list.h"
#include "service.h"
#include "stand_in.h"

static char *own(const char *text)
{
    return (char *)text; /* encode_report only reads */
}

static bool report_hooks(struct client *client, const struct shim_report *probed,
                         OPENWFP_ENGINE_REPORT *report)
{
    report->hooks = arena_array(&client->arena, SHIM_HOOKS, sizeof(*report->hooks));
    if (!report->hooks)
        return false;
    report->numHooks = SHIM_HOOKS;
    for (int i = 0; i < SHIM_HOOKS; i++)
        report->hooks[i] = (OPENWFP_HOOK_REPORT){
            .name = own(probed->hooks[i].name),
            .serves = own(probed->hooks[i].serves),
            .required = probed->hooks[i].required,
            .works = probed->hooks[i].works,
            .error = (UINT32)-probed->hooks[i].code,
            .reason = own(probed->hooks[i].reason),
        };
    return true;
}

static bool report_gaps(struct client *client, const struct shim_report *probed,
                        OPENWFP_ENGINE_REPORT *report)
{
    const char *const *gaps = probed->gaps;
    UINT32 count = 0;

    while (gaps[count])
        count++;
    report->gaps = arena_array(&client->arena, count, sizeof(*report->gaps));
    report->numGaps = count;
    for (UINT32 i = 0; report->gaps && i < count; i++)
        report->gaps[i] = own(gaps[i]);
    return report->gaps;
}

static void report_counts(const struct service *service, OPENWFP_ENGINE_REPORT *report)
{
    report->filters = model_count(service->model, MODEL_FILTER);
    report->subLayers = model_count(service->model, MODEL_SUBLAYER);
    report->callouts = model_count(service->model, MODEL_CALLOUT);
    for (const struct client *c = service->server.first; c; c = c->next)
        report->sessions += c->session != NULL;
    report->events = service->engine.events;
    report->eventsLost = service->engine.shim ? shim_lost(service->engine.shim) : 0;
    report->commits = service->engine.commits;
    report->startTime.dwLowDateTime = (uint32_t)service->started;
    report->startTime.dwHighDateTime = (uint32_t)(service->started >> 32);
}

uint32_t call_report(struct client *client, const Rpc__Request *request)
{
    struct service *service = client->service;
    const struct shim_report *probed;
    OPENWFP_ENGINE_REPORT report = {
        .version = own(OPENWFP_VERSION),
        .scope = service->engine.scope,
        .pinDir = own(service->engine.pin_dir),
        .enforcing = service->engine.shim != NULL,
        .adopted = service->engine.adopted,
        .standIn = own(stand_in_name(&service->engine)),
    };
    struct utsname *kernel = arena_alloc(&client->arena, sizeof(*kernel));
    uint32_t code;

    code =
        model_access_check(client->session, MODEL_ENGINE, FWPM_ACTRL_READ, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    probed = engine_report(&service->engine);
    if (!kernel || !probed || uname(kernel) < 0 || !report_hooks(client, probed, &report) ||
        !report_gaps(client, probed, &report))
        return client_no_memory(client);
    report.kernel = kernel->release;
    report.summary = own(probed->summary);
    report.usable = probed->usable;
    report_counts(service, &report);
    client->reply.report = encode_report(&client->convert, &report);
    if (!client->reply.report)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_REPORT;
    return ERROR_SUCCESS;
}

/* ---- flows ---- */

#define FLOWS_AT_ONCE 8192u

static uint32_t answer_flows(struct client *client, const struct flow_list *list,
                             const Rpc__FlowList *asked)
{
    size_t wanted = asked->wanted < FLOWS_AT_ONCE ? asked->wanted : FLOWS_AT_ONCE, count = 0;
    OPENWFP_FLOW *shown = arena_array(&client->arena, wanted + 1, sizeof(*shown));

    if (!shown)
        return client_no_memory(client);
    for (size_t i = 0; i < list->count && count < wanted; i++)
        if (list->flows[i].flow.flow > asked->after &&
            !flow_present(&list->flows[i], &client->arena, &shown[count++]))
            return client_no_memory(client);
    client->reply.flows = encode_flows(&client->convert, count, shown);
    if (!client->reply.flows)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_FLOWS;
    return ERROR_SUCCESS;
}

/* Who may not see net events may not see who talks to whom either. */
uint32_t call_flow_list(struct client *client, const Rpc__Request *request)
{
    struct shim *shim = client->service->engine.shim;
    struct flow_list list = {0};
    uint32_t code;
    int result = 0;

    code = model_access_check(client->session, MODEL_NET_EVENT, FWPM_ACTRL_ENUM | FWPM_ACTRL_READ,
                              &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    if (shim)
        result = flow_list_read(&list, shim, &client->service->events);
    code = result ? client_error(client, ERROR_GEN_FAILURE, "the kernel can't list flows: %s",
                                 strerror(-result))
                  : answer_flows(client, &list, request->flow_list);
    flow_list_free(&list);
    return code;
}
