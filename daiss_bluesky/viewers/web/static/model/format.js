// Numbers written as Python's format() writes them, so that all windows show one text.

/** `format(x, ".{digits}f")`: ties go to the even digit, as they do not in toFixed. */
export function fixed(x, digits) {
  if (!Number.isFinite(x)) return special(x);
  const doubled = Math.abs(x) * 2 ** (digits + 1);
  const tie = Number.isInteger(doubled) && doubled % 2 === 1;
  if (!tie) return x.toFixed(digits);
  const scaled = x * 10 ** digits;
  const below = Math.floor(scaled);
  const even = below % 2 === 0 ? below : below + 1;
  return minus(even / 10 ** digits, x).toFixed(digits).replace(/^(?=0)/, x < 0 && even === 0 ? "-" : "");
}

/** `format(x, ".{digits}g")` */
export function general(x, digits) {
  if (!Number.isFinite(x)) return special(x);
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  let [mantissa, exponent] = toEven(x, digits);
  if (exponent < -4 || exponent >= digits) {
    const sign = exponent < 0 ? "-" : "+";
    return `${trim(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return trim(Number(`${mantissa}e${exponent}`).toFixed(Math.max(0, digits - 1 - exponent)));
}

/** `format(x, ".0%")` */
export const percent = (x) => `${fixed(x * 100, 0)}%`;

/** A value under the cursor: short, yet enough digits to tell neighbors apart. */
export const reading = (x) => (Number.isInteger(x) && Math.abs(x) < 1e7 ? String(x) : general(x, 5));

function toEven(x, digits) {
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  const power = digits - 1 - Number(exponent);
  const whole = power >= 0 ? Math.abs(x) * 2 ** (power + 1) : (Math.abs(x) / 10 ** -power) * 2;
  const tie = Number.isInteger(whole) && whole % 2 === 1 && exact(x, power);
  if (!tie) return [mantissa, Number(exponent)];
  const below = Math.floor(power >= 0 ? Math.abs(x) * 10 ** power : Math.abs(x) / 10 ** -power);
  const even = below % 2 === 0 ? below : below + 1;
  const text = (even / 10 ** (digits - 1)).toFixed(digits - 1);
  return [x < 0 ? `-${text}` : text, Number(exponent)];
}

// Below the decimal point only an integer can be halfway between two roundings.
const exact = (x, power) => power >= 0 || Number.isInteger(x);

const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
const minus = (value, like) => (like < 0 && value === 0 ? -0 : value);
const special = (x) => (Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf");
