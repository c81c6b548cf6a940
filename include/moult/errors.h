/*
 * errors.h - the one list of error codes, and the structured reason of a failure.
 *
 * The list generates the constants, their names and their sentences, so none of the three can drift apart.
 * Functions return 0 for success and a negative code for failure (`return -ENOMEM;`).
 */
#ifndef MOULT_ERRORS_H
#define MOULT_ERRORS_H

#include <stdarg.h>
#include <stddef.h>

/* X(name, number, sentence): numbers follow Linux, so that a reader's intuition is right. */
#define MOULT_ERRORS(X)                                                                                \
    X(EPERM, 1, "you may not do this")                                                                 \
    X(ENOENT, 2, "there is no such name; list what there is and try one of those")                     \
    X(ESRCH, 3, "there is no such thread; `ps` lists those there are")                                 \
    X(EINTR, 4, "the wait was cut short because the thread is to end")                                 \
    X(EIO, 5, "the device did not answer as it should")                                                \
    X(E2BIG, 7, "it is too long or too large; shorten it")                                             \
    X(ENOEXEC, 8, "the file is not an object that this kernel can load")                               \
    X(EAGAIN, 11, "it cannot be done just now; try again")                                             \
    X(ENOMEM, 12, "there is not enough memory; end some threads or unload a module")                   \
    X(EBUSY, 16, "it is in use; release what uses it first")                                           \
    X(EEXIST, 17, "the name is taken; remove what holds it first")                                     \
    X(EINVAL, 22, "the argument is not valid; `help` shows the form")                                  \
    X(ENOSPC, 28, "the table is full")                                                                 \
    X(ERANGE, 34, "the value is out of range")                                                         \
    X(EPROTO, 71, "the policy broke the contract of its slot")                                         \
    X(EOVERFLOW, 75, "a value does not fit where it must go")                                          \
    X(ETIMEDOUT, 110, "it took longer than was allowed")                                               \
    X(EALREADY, 114, "it is so already; nothing was done")                                             \
    X(ENOTSUP, 95, "this machine or this policy cannot do that")                                       \
    X(EABI, 200, "the module was built against other declarations; build it again with `make module`") \
    X(ELINK, 201, "the object cannot be linked; the sentence names the symbol or relocation")          \
    X(ETRUST, 202, "the object is not signed by a key that this kernel trusts; sign it with scripts/sign")

#undef EPERM
#undef ENOENT
#undef ESRCH
#undef EINTR
#undef EIO
#undef E2BIG
#undef ENOEXEC
#undef EAGAIN
#undef ENOMEM
#undef EBUSY
#undef EEXIST
#undef EINVAL
#undef ENOSPC
#undef ERANGE
#undef EPROTO
#undef EOVERFLOW
#undef ETIMEDOUT
#undef EALREADY
#undef ENOTSUP

enum error {
    OK = 0,
#define X(name, number, sentence) name = number,
    MOULT_ERRORS(X)
#undef X
};

/* Capacity of a failure's sentence in bytes, terminator included: room for a long list of undefined symbols. */
#define FAILURE_SENTENCE 2048

/*
 * Why something failed: a code for programs, a sentence for people. The caller owns it; the callee fills it once.
 * The sentence says what was wrong, where, and what to do, without a final full stop or newline.
 */
struct failure {
    int code; /* 0, or a negative error code */
    char sentence[FAILURE_SENTENCE];
};

/*
 * Records a failure and returns `code`, so that a function can end with `return fail(why, -EINVAL, "...")`.
 * `why` may be NULL. `format` is that of text_format(). Any context; takes no lock.
 */
__attribute__((format(printf, 3, 4))) int fail(struct failure *why, int code, const char *format, ...);

/* The name ("EINVAL") and the sentence of a negative code; "E?" and a general sentence for an unknown one. */
const char *error_name(int code);
const char *error_sentence(int code);

#endif
