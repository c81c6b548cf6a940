; switch.asm - from one thread to another.
;
; A thread that does not run has on its stack [saved RBP][return address]: all other registers are the compiler's
; business, since both entries are reached through inline assembly that declares them changed (arch/switch.h), so that
; only what is live is saved. Both end on the other thread's stack and release the queue lock that was taken before:
; only then may another CPU take the old thread.

THREAD_STACK_POINTER equ 24             ; offsets: asserted in core/thread.c
THREAD_SWITCHES equ 32
CPU_SELF equ 0
CPU_CURRENT equ 8
CPU_QUEUE_LOCK equ 40

section .text
global arch_yield_entry, arch_switch_entry, arch_thread_start

; The whole of thread_yield(): schedule_yield() takes the lock and chooses. RBX: this CPU; R12: the running thread;
; R13: the thread to go on with.
align 16
arch_yield_entry:
    cli
    mov rbx, [gs:CPU_SELF]
    mov r12, [gs:CPU_CURRENT]
    call schedule_yield
    cmp r13, r12
    je release

; R13: the thread to go on with; R12: the one that runs.
arch_switch_entry:
    mov [gs:CPU_CURRENT], r13
    inc qword [r13 + THREAD_SWITCHES]
    push rbp
    mov [r12 + THREAD_STACK_POINTER], rsp
    mov rsp, [r13 + THREAD_STACK_POINTER]
    pop rbp
release:
    mov dword [gs:CPU_QUEUE_LOCK], 0
    ret

; A new thread's first return address.
align 16
arch_thread_start:
    xor ebp, ebp                        ; a backtrace ends here
    call thread_main
    ud2

extern schedule_yield, thread_main
