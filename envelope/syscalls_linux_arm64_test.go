package envelope_test

const syscallGetrandom = 278
