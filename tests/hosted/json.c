/* sources: core/monitor/json.c core/text.c */
/*
 * json.c - the writer of JSON: commas, nesting, escapes.
 */
#include "core/monitor/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char out[4096];
static size_t used;

static void collect(void *context, const char *text, size_t length)
{
    assert_ptr_equal(context, out);
    assert_true(used + length < sizeof out);
    memcpy(out + used, text, length);
    out[used += length] = 0;
}

static struct json json;

static int begin(void **state)
{
    (void)state;
    used = 0;
    out[0] = 0;
    json_init(&json, collect, out);
    return 0;
}

static void members_are_separated(void **state)
{
    (void)state;
    json_object(&json, NULL);
    json_text(&json, "command", "ps");
    json_bool(&json, "ok", true);
    json_list(&json, "list");
    for (unsigned i = 0; i < 2; i++) {
        json_object(&json, NULL);
        json_number(&json, "tid", i);
        json_list(&json, "empty");
        json_list_end(&json);
        json_object_end(&json);
    }
    json_list_end(&json);
    json_object(&json, "none");
    json_object_end(&json);
    json_bool(&json, "last", false);
    json_object_end(&json);
    assert_string_equal(out,
                        "{\"command\":\"ps\",\"ok\":true,\"list\":[{\"tid\":0,\"empty\":[]},{\"tid\":1,\"empty\":[]}],"
                        "\"none\":{},\"last\":false}");
}

static void numbers_are_whole(void **state)
{
    (void)state;
    json_list(&json, NULL);
    json_number(&json, NULL, UINT64_MAX);
    json_signed(&json, NULL, INT64_MIN);
    json_address(&json, NULL, 0xffffffff80100000);
    json_address(&json, NULL, 0);
    json_list_end(&json);
    assert_string_equal(out, "[18446744073709551615,-9223372036854775808,\"0xffffffff80100000\",\"0x0\"]");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    json_text(&json, NULL,
              "a\"b\\c/\n\t\x01\x7f\xff"
              "z");
    assert_string_equal(out, "\"a\\\"b\\\\c/\\u000a\\u0009\\u0001\\u007f\\u00ffz\"");
    begin(NULL);
    json_object(&json, NULL);
    json_text(&json, "k\"", "");
    json_object_end(&json);
    assert_string_equal(out, "{\"k\\\"\":\"\"}");
}

static void deep_nesting_keeps_its_commas(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
        json_list(&json, NULL);
    json_number(&json, NULL, 1);
    json_number(&json, NULL, 2);
    for (unsigned i = 0; i < JSON_DEPTH_MAX; i++) {
        json_list_end(&json);
        if (json.depth)
            json_number(&json, NULL, 3);
    }
    assert_int_equal(json.depth, 0);
    assert_non_null(strstr(out, "[1,2],3],3],3]"));
    assert_null(strstr(out, ",,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(members_are_separated, begin),
        cmocka_unit_test_setup(numbers_are_whole, begin),
        cmocka_unit_test_setup(strings_are_escaped, begin),
        cmocka_unit_test_setup(deep_nesting_keeps_its_commas, begin),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
