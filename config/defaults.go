package config

import "reflect"

// setDefaults gives every field below v the value of its default tag.
func setDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	t := v.Type()
	for i := range t.NumField() {
		f := v.Field(i)
		if f.Kind() == reflect.Struct {
			setDefaults(f)
		}
		text, ok := t.Field(i).Tag.Lookup("default")
		if !ok {
			continue
		}
		setDefault(f, text)
	}
}

func setDefault(f reflect.Value, text string) {
	switch x := f.Addr().Interface().(type) {
	case scalarValue:
		if problem, _ := x.set(text); problem != "" {
			panic("config: wrong default " + text)
		}
		return
	case oneWord:
		x.setWord(text)
		return
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Int:
		f.SetInt(mustInt(text))
	case reflect.Bool:
		f.SetBool(text == "true")
	default:
		panic("config: no default for " + f.Type().String())
	}
}
