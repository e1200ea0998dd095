#include "src/wfp/policy/policy.h"

#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/parser.h"
#include "src/wfp/policy/reach.h"

/* A policy without a provider line is named after its file. */
static const char *name_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    size_t length = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);
    return length == 0 ? "policy" : arena_strndup(arena, base, length);
}

bool policy_read(struct arena *arena, const struct environment *environment,
                 const struct source *source, const struct compile_options *options,
                 struct report *report, struct policy_objects *objects)
{
    struct reader reader = {arena, report, environment};
    struct policy policy = {.name = name_of(arena, source->name)};
    parser_run(arena, report, environment, source, &policy);
    policy_compile(&reader, &policy, options, objects);
    if (report->errors == 0)
        reach_check(report, &policy);
    return report->errors == 0;
}

bool policy_load(struct arena *arena, const struct environment *environment, const char *path,
                 const struct compile_options *options, struct report *report,
                 struct policy_objects *objects)
{
    bool stdin_wanted = strcmp(path, "-") == 0;
    struct source *source = arena_alloc(arena, sizeof(*source));
    *source = (struct source){.name = stdin_wanted ? "stdin" : path, .text = ""};
    int error = environment->read(environment->ctx, arena, stdin_wanted ? "/dev/stdin" : path,
                                  &source->text, &source->length);
    if (error != 0) {
        report_error(report, (struct place){source, 1, 0, 0}, NULL, "can't read %s: %s",
                     source->name, strerror(-error));
        return false;
    }
    return policy_read(arena, environment, source, options, report, objects);
}
