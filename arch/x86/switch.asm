; switch.asm - from one thread to another, and waking one.
;
; A thread that does not run has on its stack [saved RBP][return address]: all other registers are the compiler's
; business, since arch_switch_entry is reached through inline assembly that declares them changed (arch/switch.h), so
; that only what is live is saved. It ends on the other thread's stack and releases the queue lock that was taken
; before: only then may another CPU take the old thread.

THREAD_STACK_POINTER equ 24             ; offsets: asserted in core/thread.c and core/cpu.h
THREAD_SWITCHES equ 32
CPU_CURRENT equ 8
CPU_RESCHEDULE equ 20
CPU_QUEUE_LOCK equ 40
FLAGS_INTERRUPTS equ 1 << 9             ; SDM volume 1, 3.4.3

section .text
global arch_switch_entry, arch_thread_start, arch_up_entry

; R13: the thread to go on with; R12: the one that runs.
align 16
arch_switch_entry:
    mov [gs:CPU_CURRENT], r13
    inc qword [r13 + THREAD_SWITCHES]
    push rbp
    mov [r12 + THREAD_STACK_POINTER], rsp
    mov rsp, [r13 + THREAD_STACK_POINTER]
    pop rbp
    mov dword [gs:CPU_QUEUE_LOCK], 0
    ret

; A new thread's first return address.
align 16
arch_thread_start:
    xor ebp, ebp                        ; a backtrace ends here
    call thread_main
    ud2

; RDI: the semaphore. schedule_up() with interrupts off, and as they were afterwards. The flags stay on
; the stack meanwhile, which a compiler's function could do only by way of registers. If interrupts are on, the thread
; that was woken may be the one to run now.
align 16
arch_up_entry:
    pushfq
    cli
    call schedule_up
    cmp dword [gs:CPU_RESCHEDULE], 0
    jne .asked
    popfq
    ret
.asked:
    pop rax
    test eax, FLAGS_INTERRUPTS
    jz .off
    push rbp                            ; a frame, for backtraces
    mov rbp, rsp
    call schedule_if_asked
    pop rbp
    sti
.off:
    ret

extern schedule_up, schedule_if_asked, thread_main
