<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * The signature of what Drupal and Airflow send each other.
 *
 * HMAC-SHA256 over method, path, time, delivery id and body. The Python side
 * is flowdrop_provider/drupal/signing.py; tests/contract/signature.json holds
 * the two together.
 */
final class Signature {

  public const SIGNATURE = 'X-FlowDrop-Signature';
  public const TIMESTAMP = 'X-FlowDrop-Timestamp';
  public const DELIVERY = 'X-FlowDrop-Delivery';

  /**
   * Seconds the clocks of both sides may differ.
   */
  public const TOLERANCE = 300;

  /**
   * Characters a secret needs.
   */
  public const MIN_SECRET = 16;

  /**
   * Returns the signature: "v1=" and 64 hex digits.
   *
   * @param string $secret
   *   The shared secret.
   * @param string $method
   *   The HTTP method.
   * @param string $target
   *   The path below the receiver's base address, with its query.
   * @param int $timestamp
   *   Unix seconds.
   * @param string $delivery
   *   An id that a repeated delivery keeps.
   * @param string $body
   *   The body as it is sent.
   */
  public static function sign(
    string $secret,
    string $method,
    string $target,
    int $timestamp,
    string $delivery,
    string $body,
  ): string {
    $parts = ['v1', strtoupper($method), $target, (string) $timestamp, $delivery, hash('sha256', $body)];
    return 'v1=' . hash_hmac('sha256', implode("\n", $parts), $secret);
  }

  /**
   * Returns the headers of a signed request.
   *
   * @return array<string, string>
   *   Value by header name.
   */
  public static function headers(
    string $secret,
    string $method,
    string $target,
    string $body,
    int $now,
    string $delivery,
  ): array {
    if (strlen($secret) < self::MIN_SECRET) {
      throw new SignatureException('SIGNATURE_SECRET_SHORT', 'The signing secret is too short.');
    }
    return [
      self::TIMESTAMP => (string) $now,
      self::DELIVERY => $delivery,
      self::SIGNATURE => self::sign($secret, $method, $target, $now, $delivery, $body),
    ];
  }

  /**
   * Returns the delivery id of a request signed with one of the secrets.
   *
   * @param string[] $secrets
   *   Newest first; two while a secret is exchanged. Short ones open nothing.
   * @param string $method
   *   The HTTP method.
   * @param string $target
   *   The path below this site's base address, with its query.
   * @param array<string, string> $headers
   *   Value by header name, in whatever case.
   * @param string $body
   *   The body as it came.
   * @param int $now
   *   Unix seconds.
   *
   * @throws \Drupal\flowdrop_airflow\Contract\SignatureException
   *   With one of SIGNATURE_MISSING, SIGNATURE_EXPIRED, SIGNATURE_INVALID.
   */
  public static function verify(
    array $secrets,
    string $method,
    string $target,
    array $headers,
    string $body,
    int $now,
  ): string {
    $given = array_change_key_case($headers);
    $signature = $given[strtolower(self::SIGNATURE)] ?? '';
    $stamp = $given[strtolower(self::TIMESTAMP)] ?? '';
    $delivery = $given[strtolower(self::DELIVERY)] ?? '';
    if ($signature === '' || $stamp === '' || $delivery === '') {
      throw new SignatureException('SIGNATURE_MISSING', 'The request is not signed.');
    }
    $readable = preg_match('/^[0-9]{1,12}$/D', $stamp) === 1;
    if (!$readable || abs($now - (int) $stamp) > self::TOLERANCE) {
      throw new SignatureException('SIGNATURE_EXPIRED', 'The request was signed too long ago, or in the future.');
    }
    $fits = FALSE;
    foreach ($secrets as $secret) {
      $known = strlen($secret) >= self::MIN_SECRET;
      $expected = self::sign($secret, $method, $target, (int) $stamp, $delivery, $body);
      $fits = ($known && hash_equals($expected, $signature)) || $fits;
    }
    if (!$fits) {
      throw new SignatureException('SIGNATURE_INVALID', 'The signature does not fit.');
    }
    return $delivery;
  }

}
