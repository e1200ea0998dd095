/* Reading JSON from standard input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/wfp/arena.h"
#include "src/wfp/json_read.h"

static const struct json_member *read_all(struct arena *arena, const char *text)
{
    const struct json_member *members;
    assert_true(json_read(arena, text, &members));
    return members;
}

static void test_members_are_found_by_name_and_kind(void **state)
{
    struct arena *arena = arena_new();
    const struct json_member *members = read_all(
        arena, " { \"id\" : 18446744073709551615, \"a\":\"b\" ,\"yes\":true,\"no\":false}\r");
    assert_true(json_member(members, "id", JSON_NUMBER)->number == UINT64_MAX);
    assert_string_equal(json_member(members, "a", JSON_TEXT)->text, "b");
    assert_int_equal(json_member(members, "yes", JSON_BOOL)->number, 1);
    assert_int_equal(json_member(members, "no", JSON_BOOL)->number, 0);
    assert_null(json_member(members, "id", JSON_TEXT));
    assert_null(json_member(members, "x", JSON_TEXT));
    assert_null(read_all(arena, "{}"));
    arena_free(arena);
}

static void test_escapes(void **state)
{
    struct arena *arena = arena_new();
    const struct json_member *members = read_all(
        arena, "{\"t\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00é\"}");
    assert_string_equal(json_member(members, "t", JSON_TEXT)->text,
                        "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
    arena_free(arena);
}

static void test_anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "{",
        "}",
        "[]",
        "1",
        "{}x",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":-1}",
        "{\"a\":1.5}",
        "{\"a\":01}",
        "{\"a\":1e3}",
        "{\"a\":18446744073709551616}",
        "{\"a\":null}",
        "{\"a\":[]}",
        "{\"a\":{}}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud83d\\u0041\"}",
        "{\"a\":\"line\nbreak\"}",
    };
    struct arena *arena = arena_new();
    const struct json_member *members;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (json_read(arena, wrong[i], &members))
            fail_msg("%s was read", wrong[i]);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_found_by_name_and_kind),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
