<?php

declare(strict_types=1);

namespace Drupal\Tests\flowdrop_airflow\Unit;

use Drupal\flowdrop_airflow\Contract\Signature;
use Drupal\flowdrop_airflow\Contract\SignatureException;
use PHPUnit\Framework\TestCase;

require_once __DIR__ . '/VectorsTrait.php';

/**
 * The signature, against the shared vectors.
 */
final class SignatureTest extends TestCase {

  use VectorsTrait;

  /**
   * Returns signed requests.
   */
  public static function signed(): array {
    return self::named('signature', 'signed');
  }

  /**
   * Returns requests and verdicts.
   */
  public static function verified(): array {
    return self::named('signature', 'verified');
  }

  /**
   * Signs as the other side does.
   *
   * @dataProvider signed
   */
  public function testSign(array $vector): void {
    $found = Signature::sign(
      $vector['secret'],
      $vector['method'],
      $vector['target'],
      $vector['timestamp'],
      $vector['delivery'],
      $vector['body'],
    );
    self::assertSame($vector['signature'], $found);
  }

  /**
   * Judges as the other side does.
   *
   * @dataProvider verified
   */
  public function testVerify(array $vector): void {
    $code = NULL;
    $delivery = '';
    try {
      $delivery = Signature::verify(
        $vector['secrets'],
        $vector['method'],
        $vector['target'],
        $vector['headers'],
        $vector['body'],
        $vector['now'],
      );
    }
    catch (SignatureException $error) {
      $code = $error->reason;
    }
    self::assertSame($vector['code'], $code);
    if ($code === NULL) {
      self::assertSame($vector['headers'][Signature::DELIVERY], $delivery);
    }
  }

  /**
   * What is signed here is accepted here; a short secret signs nothing.
   */
  public function testHeaders(): void {
    $secret = str_repeat('0123456789abcdef', 2);
    $headers = Signature::headers($secret, 'POST', '/x', '{}', 1000, 'd-1');
    self::assertSame('d-1', Signature::verify([$secret], 'POST', '/x', $headers, '{}', 1000));
    $this->expectException(SignatureException::class);
    Signature::headers('short', 'POST', '/x', '{}', 1000, 'd-1');
  }

}
