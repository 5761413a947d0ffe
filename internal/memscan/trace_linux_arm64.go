package memscan

import "syscall"

// syscallNumber reads the number of the call that the thread is about to make.
func syscallNumber(tid int) (uint64, error) {
	var regs syscall.PtraceRegs
	err := syscall.PtraceGetRegs(tid, &regs)
	return regs.Regs[8], err
}
