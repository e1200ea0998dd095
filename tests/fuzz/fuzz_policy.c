/*
 * Any text as a policy: it is compiled and described, or refused with a report; nothing else.
 * What was compiled, once described, must be readable again and mean the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/policy.h"
#include "src/wfp/summary.h"
#include "tests/policy/fixed_environment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *sink(void)
{
    static FILE *file;
    if (file == NULL)
        file = fopen("/dev/null", "w");
    return file;
}

static const char *interface_name(void *ctx, uint64_t index)
{
    return index == 1 ? "lo" : "eth0";
}

static void check_described(struct arena *arena, const struct describer *describer,
                            const FWPM_FILTER0 *filter)
{
    struct compile_options options = {0};
    struct policy_objects objects;
    struct report report;
    const char *text = describe_filter(describer, filter);
    struct source source = {"described", text, strlen(text), NULL};
    report_init(&report, arena);
    if (!policy_read(arena, &fixed_environment, &source, &options, &report, &objects) ||
        objects.filter_count != 1 ||
        strcmp(describe_filter(describer, &objects.filters[0]), text) != 0) {
        report_print(&report, stderr, false);
        fprintf(stderr, "described: %s\n", text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct describer describer = {.arena = arena, .interface = interface_name};
    struct compile_options options = {.persistent = size % 2 == 1, .dynamic = size % 3 == 1};
    struct source source = {"fuzz.wfp", (const char *)data, size, NULL};
    struct policy_objects objects;
    struct report report;
    report_init(&report, arena);
    bool good = policy_read(arena, &fixed_environment, &source, &options, &report, &objects);
    report_print(&report, sink(), true);
    if (good)
        summary_print(&describer, &objects, sink());
    for (size_t i = 0; good && i < objects.filter_count && i < 16; i++)
        check_described(arena, &describer, &objects.filters[i]);
    arena_free(arena);
    return 0;
}
