; guard.asm - the call that can be abandoned.
;
; A call that is abandoned has lost every register: those that the caller wants kept stand on the stack, which is found
; through the record in struct cpu (arch/guard.h).

CPU_GUARD_STACK equ 72
CPU_GUARD_FRAME equ 80

section .text
global arch_guarded_call, arch_guard_return, arch_guard_abandoned
global arch_trial_call, arch_trial_abandoned

; RDI: the function; RSI: its argument.
align 16
arch_guarded_call:
    push rbp
    mov rbp, rsp
    push rbx
    push r12
    push r13
    push r14
    push r15
    push qword [gs:CPU_GUARD_FRAME]
    push qword [gs:CPU_GUARD_STACK]
    sub rsp, 8
    mov rax, rdi
    mov rdi, rsi
    mov [gs:CPU_GUARD_STACK], rsp
    mov [gs:CPU_GUARD_FRAME], rbp
    call rax
arch_guard_return:
    mov eax, 1
leave_guard:
    add rsp, 8
    pop qword [gs:CPU_GUARD_STACK]
    pop qword [gs:CPU_GUARD_FRAME]
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; Entered with RSP as it was before the call.
arch_guard_abandoned:
    xor eax, eax
    jmp leave_guard

; RDI: the function; RSI: its argument; RDX: where the record of this call is kept. The thread may block meanwhile.
align 16
arch_trial_call:
    push rbp
    mov rbp, rsp
    push rbx
    push r12
    push r13
    push r14
    push r15
    push rdx
    mov [rdx], rsp
    mov rax, rdi
    mov rdi, rsi
    call rax
    mov eax, 1
leave_trial:
    pop rdx
    mov qword [rdx], 0
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; Entered with RSP as the record says.
arch_trial_abandoned:
    xor eax, eax
    jmp leave_trial
