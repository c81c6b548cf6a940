; boot_upper.asm - the last step of boot.asm: the first instructions in the upper half, to C.
;
; A file of its own, since NASM describes one section of code a file to debuggers, and that of boot.asm is elsewhere.
; Once, on the first CPU. EBP: the physical address of the boot information.

section .text
global boot_upper
boot_upper:
    mov rsp, boot_stack_top
    mov edi, ebp
    xor ebp, ebp
    push rbp                            ; a backtrace ends at a return address of 0
    call boot_main
    ud2

extern boot_main, boot_stack_top
