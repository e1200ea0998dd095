/* Which services start by themselves (rule 8.4), in directories made like systemd's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bfe/unit.h"

static char root[] = "/tmp/openwfp-unit-XXXXXX";

static void make_link(const char *to, const char *name)
{
    assert_int_equal(symlink(to, name), 0);
}

static void make_file(const char *name)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    fclose(file);
}

static void fill(void)
{
    static const char *const directories[] = {"etc", "etc/multi-user.target.wants", "lib",
                                              "lib/sysinit.target.requires", "lib/drop-in.d"};

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        assert_int_equal(mkdir(directories[i], 0755), 0);
    make_file("lib/web.service");
    make_file("lib/idle.service");
    make_file("lib/early.service");
    make_file("lib/masked.service");
    make_file("lib/own@.service");
    make_link("../../lib/web.service", "etc/multi-user.target.wants/web.service");
    make_link("../../lib/own@.service", "etc/multi-user.target.wants/own@a.service");
    make_link("../early.service", "lib/sysinit.target.requires/early.service");
    make_link("../../lib/masked.service", "etc/multi-user.target.wants/masked.service");
    make_link("/dev/null", "etc/masked.service");
    make_link("../../lib/gone.service", "etc/multi-user.target.wants/gone.service");
    make_link("../idle.service", "lib/drop-in.d/idle.service");
}

static int set_up(void **state)
{
    char path[128];

    if (!mkdtemp(root) || chdir(root))
        return -1;
    fill();
    snprintf(path, sizeof(path), "%s/etc:%s/none:%s/lib", root, root, root);
    return setenv("SYSTEMD_UNIT_PATH", path, 1);
}

static int tear_down(void **state)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static void test_8_4_enabled_services_start(void **state)
{
    assert_true(unit_starts("web"));
    assert_true(unit_starts("web.service"));
    assert_true(unit_starts("early"));
    assert_true(unit_starts("own@a"));
}

static void test_8_4_others_do_not(void **state)
{
    assert_false(unit_starts("idle"));
    assert_false(unit_starts("masked"));
    assert_false(unit_starts("gone"));
    assert_false(unit_starts("own@b"));
    assert_false(unit_starts("nobody-knows-it"));
}

static void test_8_4_what_is_no_name_does_not(void **state)
{
    char longest[300];

    for (size_t i = 0; i < sizeof(longest) - 1; i++)
        longest[i] = 'x';
    longest[sizeof(longest) - 1] = '\0';
    assert_false(unit_starts(""));
    assert_false(unit_starts(".service"));
    assert_false(unit_starts("../lib/web"));
    assert_false(unit_starts(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_8_4_enabled_services_start),
        cmocka_unit_test(test_8_4_others_do_not),
        cmocka_unit_test(test_8_4_what_is_no_name_does_not),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
