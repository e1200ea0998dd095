/* Text from others on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "src/wfp/utf8.h"

static void assert_printed(const char *wanted, const char *text)
{
    char *printed;
    size_t size;
    FILE *out = open_memstream(&printed, &size);

    print_clean(out, text);
    fclose(out);
    assert_string_equal(wanted, printed);
    free(printed);
}

static void test_text_stays_as_it_is(void **state)
{
    assert_printed("/opt/caf\u00e9/\u20ac \U0001f600", "/opt/caf\u00e9/\u20ac \U0001f600");
}

static void test_what_moves_the_cursor_becomes_a_question_mark(void **state)
{
    assert_printed("a?[2Jb?", "a\x1b[2Jb\r");
    assert_printed("?31m", "\xc2\x9b"
                           "31m"); /* one of C1, as terminals read UTF-8 */
    assert_printed("?fdp.exe?", "\u202efdp.exe\u2069");
    assert_printed("???", "\xc2\xff\x80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_stays_as_it_is),
        cmocka_unit_test(test_what_moves_the_cursor_becomes_a_question_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
