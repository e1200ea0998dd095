/*
 * Golden policies. Each good/NAME.wfp compiles to exactly what good/NAME.out shows; each
 * bad/NAME.wfp is refused with exactly the text of bad/NAME.out. The directory is the only
 * argument; with UPDATE=1 in the environment the .out files are written instead.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/policy.h"
#include "src/wfp/summary.h"
#include "tests/policy/fixed_environment.h"

static const char *directory;

/* What the policy gives: the report, and the objects when it is free of errors. */
static char *result_of(const char *path)
{
    struct environment environment = fixed_environment;
    struct arena *arena = arena_new();
    struct describer describer = describer_plain;
    struct compile_options options = {0};
    struct policy_objects objects;
    struct report report;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    environment.ctx = (void *)(uintptr_t)directory;
    describer.arena = arena;
    report_init(&report, arena);
    bool good = policy_load(arena, &environment, path, &options, &report, &objects);
    report_print(&report, out, false);
    if (good)
        summary_print(&describer, &objects, out);
    fclose(out);
    arena_free(arena);
    return text;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (file == NULL)
        return strdup("");
    if (getdelim(&text, &room, '\0', file) < 0)
        text[0] = '\0';
    fclose(file);
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void check_one(const char *path)
{
    char golden[4096];
    char *result = result_of(path + strlen(directory) + 1);
    snprintf(golden, sizeof(golden), "%.*s.out", (int)(strlen(path) - 4), path);
    if (getenv("UPDATE") != NULL) {
        write_text(golden, result);
    } else {
        char *expected = read_text(golden);
        if (strcmp(expected, result) != 0)
            fail_msg("%s: expected\n%s\nbut it is\n%s", path, expected, result);
        free(expected);
    }
    free(result);
}

static size_t check_all(const char *kind)
{
    char pattern[4096];
    glob_t found = {0};
    snprintf(pattern, sizeof(pattern), "%s/%s/*.wfp", directory, kind);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_one(found.gl_pathv[i]);
    size_t count = found.gl_pathc;
    globfree(&found);
    return count;
}

static void test_good_policies_compile_to_their_filters(void **state)
{
    assert_true(check_all("good") > 0);
}

static void test_bad_policies_get_exactly_these_errors(void **state)
{
    assert_true(check_all("bad") > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_policies_compile_to_their_filters),
        cmocka_unit_test(test_bad_policies_get_exactly_these_errors),
    };
    if (argc != 2) {
        fputs("usage: golden_test DIRECTORY\n", stderr);
        return 2;
    }
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
