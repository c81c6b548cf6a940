/*
 * features.c - what C compilers put into objects: calls, data, strings, COMMON, weak symbols, constructors, alignment.
 */
extern int outside_function(int value);
extern int outside_datum;
extern int outside_table[];
__attribute__((weak)) extern int absent_function(void);
__attribute__((weak)) extern int absent_datum;

int common_small;
char common_large[5000];
long common_aligned __attribute__((aligned(256)));
static int zeros[100];
static int numbers[] = {1, 2, 3, 5, 8, 13};
const int constants[] = {21, 34, 55};
int on_two_pages __attribute__((aligned(8192))) = 89;
char aligned_zeros[64] __attribute__((aligned(8192)));

static const char *const words[] = {"one", "two", "three", "unread", "read"};
int *const pointers[] = {&numbers[3], &common_small, &outside_datum, outside_table + 7};
int (*functions[])(int) = {outside_function};
__attribute__((weak)) int weak_function(int value)
{
    return value + outside_datum;
}

__attribute__((constructor)) static void construct(void)
{
    zeros[1] = numbers[2];
}

__attribute__((constructor(300))) static void construct_third(void)
{
    zeros[3] = outside_table[3];
}

__attribute__((constructor(101))) static void construct_first(void)
{
    zeros[0] = outside_function(1);
}

__attribute__((destructor)) static void destruct(void)
{
    zeros[2]++;
}

int choose(int value)
{
    switch (value) {
    case 0:
        return outside_function(zeros[1]);
    case 1:
        return weak_function(numbers[value]) + on_two_pages;
    case 2:
        return absent_function ? absent_function() : constants[value];
    case 3:
        return words[value][value] + common_large[value];
    case 4:
        return &absent_datum ? absent_datum : aligned_zeros[value];
    case 5:
        return (int)common_aligned + functions[0](value);
    default:
        return *pointers[value & 3] + common_small;
    }
}
